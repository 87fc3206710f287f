import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { selfSigned } from "../emulators/certificate.ts";
import { needs } from "../fixtures/needs.ts";
import { openRedis } from "../fixtures/programs/redis-server.ts";
import { claimOf, openRegistry } from "../fixtures/registry/open-registry.ts";

needs("redis-server")("Redis over TLS, with an authority of one's own", async (t) => {
  const made = selfSigned();
  const folder = await mkdtemp(join(tmpdir(), "greenroom-redis-tls-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  await writeFile(certFile, made.cert);
  await writeFile(keyFile, made.key);
  const redis = await openRedis(t, { tls: { certFile, keyFile } });
  const url = redis.url.replace("redis:", "rediss:");

  const client = createClient({ url, socket: { tls: true, ca: made.cert } });
  const { registry, heard } = await openRegistry(t, redis, { client, whileAway: "refuse" });
  await registry.claim(claimOf());
  t.is(heard.away, 0);

  // Nobody vouches for this certificate.
  const stranger = await openRegistry(t, { url }, { commandTimeoutMs: 1_000, whileAway: "refuse" });
  t.is(stranger.heard.away, 1);
  await t.throwsAsync(stranger.registry.claim(claimOf()), { message: /cannot be reached/ });
});
