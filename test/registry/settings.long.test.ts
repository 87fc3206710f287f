import { createClient } from "@redis/client";
import test from "ava";
import { needs } from "../fixtures/needs.ts";
import { openRedis } from "../fixtures/programs/redis-server.ts";
import { program } from "../fixtures/runner/child.ts";
import { ask } from "../fixtures/runner/rest.ts";

const withRedis = needs("redis-server", test.serial);
/** Takes the password away, which the server was started with: any is right then. */
async function unprotect(port: number): Promise<void> {
  const client = createClient({ url: `redis://:secret@127.0.0.1:${port}` });
  await client.connect();
  await client.sendCommand(["ACL", "SETUSER", "default", "nopass"]);
  client.destroy();
}

test.serial(
  "a fleet that is demanded serves nothing until Redis has answered, and ends where it does not",
  async (t) => {
    const env = {
      GREENROOM_REQUIRE_PEERS: "true",
      GREENROOM_PEER_SECRET: "0123456789abcdef0123456789abcdef",
      GREENROOM_ADVERTISED_ADDRESS: "http://127.0.0.1:1",
      REDIS_URL: "redis://127.0.0.1:1",
      GREENROOM_REGISTRY_CONTACT_TIMEOUT_MS: "4000",
    };
    const child = program(t, ["serve"], { env });
    t.deepEqual(await child.exit, { code: 1, signal: null });
    const fatal = child.log.find(({ level }) => level === 60);
    t.regex(
      fatal?.msg ?? "",
      /^The server cannot start: The registry of sessions cannot be reached: Redis 127\.0\.0\.1:1: /,
    );
    t.false(child.log.some(({ msg }) => msg.startsWith("Greenroom is ready")));
  },
);

withRedis("it serves once Redis answers, also where that is late", async (t) => {
  const redis = await openRedis(t, { args: ["--requirepass", "secret"] });
  const env = {
    GREENROOM_REQUIRE_PEERS: "true",
    GREENROOM_PEER_SECRET: "0123456789abcdef0123456789abcdef",
    GREENROOM_ADVERTISED_ADDRESS: "http://127.0.0.1:1",
    REDIS_URL: `redis://default:wrong-password@127.0.0.1:${redis.port}`,
  };
  const child = program(t, ["serve"], { env });
  await child.logged(/WRONGPASS.*nothing is served before it answers$/);
  t.is((await ask(await child.url(), "/serving")).status, 400);
  await unprotect(redis.port);
  t.is((await ask(await child.readyUrl(), "/serving")).status, 200);
});
