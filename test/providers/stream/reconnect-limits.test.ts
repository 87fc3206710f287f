import test from "ava";
import { ReconnectLimits } from "../../../src/providers/stream/call/reconnect-limits.ts";
import { retryDelayMs } from "../../../src/providers/stream/call/retry-delay.ts";
import { type PeerTimes, PeerWatch, peerTimes } from "../../../src/providers/stream/sfu/peer-watch.ts";
import type { SessionFailure } from "../../../src/providers/stream/sfu/session-failure.ts";
import { within } from "../../../src/shared/deadline.ts";

const neverConnected: SessionFailure = { kind: "media_failed", peer: "publisher", everConnected: false };
const brokeDown: SessionFailure = { kind: "media_failed", peer: "publisher", everConnected: true };
const notAgreed: SessionFailure = { kind: "negotiation_failed", error: new Error("no") };

test("a connection is restored ten times within two minutes, and no more", (t) => {
  const limits = new ReconnectLimits();
  for (let count = 0; count < 10; count++) t.true(limits.begin());
  t.false(limits.begin());
  limits.connected("publisher");
  t.false(limits.begin());
});

test("the same failure two or three times in a row is final; connected media in between reset the count", (t) => {
  const limits = new ReconnectLimits();
  t.true(limits.allows(neverConnected));
  limits.connected("publisher");
  t.true(limits.allows(neverConnected));
  t.false(limits.allows(neverConnected));
  const others = new ReconnectLimits();
  t.true(others.allows(notAgreed));
  t.true(others.allows(notAgreed));
  t.false(others.allows(notAgreed));
  for (let count = 0; count < 20; count++) t.true(new ReconnectLimits().allows(brokeDown));
});

test("a subscriber that is never connected is final too, though the publisher is connected", (t) => {
  const limits = new ReconnectLimits();
  const unheard: SessionFailure = { ...neverConnected, peer: "subscriber" };
  limits.connected("publisher");
  t.true(limits.allows(unheard));
  limits.connected("publisher");
  t.false(limits.allows(unheard));
  limits.connected("subscriber");
  t.true(limits.allows(unheard));
  // Each by itself.
  t.true(limits.allows(neverConnected));
});

test("waits grow from a quarter of a second to five; a wait that is asked for is granted, up to 30 s", (t) => {
  for (let count = 0; count < 200; count++) {
    const [first = 0, second = 0, fifth = 0] = [1, 2, 5].map((failures) => retryDelayMs(failures));
    t.true(first >= 250 && first <= 500);
    t.true(second >= 250 && second <= 2_500);
    t.is(fifth, 5_000);
    t.true(retryDelayMs(1, 7_000) >= 7_000);
    t.is(retryDelayMs(1, 86_400_000), 30_000);
  }
});

function watch(times: Partial<PeerTimes>) {
  const told: string[] = [];
  const failed = Promise.withResolvers<boolean>();
  const restarted = Promise.withResolvers<void>();
  const peer = new PeerWatch({
    onConnected: () => told.push("connected"),
    onRestart: () => {
      told.push("restart");
      restarted.resolve();
    },
    onFailed: (everConnected) => {
      told.push("failed");
      failed.resolve(everConnected);
    },
    times: { ...peerTimes, ...times },
  });
  return { peer, told, failed: failed.promise, restarted: restarted.promise };
}

test("the ICE of a lost connection is restarted after a while, and the connection fails where that does not help", async (t) => {
  const { peer, told, failed, restarted } = watch({ restartAfterMs: 1, lostAfterMs: 20 });
  peer.update("connected");
  peer.update("disconnected");
  await within(restarted, 10_000, "To restart");
  t.true(await within(failed, 10_000, "To fail"));
  t.deepEqual(told, ["connected", "restart", "failed"]);
  t.is(peer.state, "failed");
  peer.update("connected");
  t.is(told.length, 3);
});

test("a connection that recovers by itself is not restarted", (t) => {
  const { peer, told } = watch({});
  peer.update("connected");
  peer.update("disconnected");
  peer.update("connected");
  t.deepEqual(told, ["connected", "connected"]);
  peer.close();
});

test("a connection that never connects fails as such", async (t) => {
  const { peer, failed } = watch({ connectTimeoutMs: 1 });
  peer.begin();
  t.false(await within(failed, 10_000, "To fail"));
  const other = watch({});
  other.peer.update("connecting");
  other.peer.update("failed");
  t.false(await within(other.failed, 10_000, "To fail"));
});
