import test from "ava";
import { decode, encode } from "../../../../src/providers/stream/wire/protobuf.ts";
import { likeOurs, officialEnum, officialMessage, ourEnums, ourMessages, samples } from "./tables.ts";

/**
 * The messages that the package keeps to itself. The first three are within others; of the rest, what it sends is read
 * above, in JSON.
 */
const notExported = [
  "Empty",
  "Timestamp",
  "TrackSubscriptionDetails",
  "SetPublisherRequest",
  "SetPublisherResponse",
  "SendAnswerRequest",
  "SendAnswerResponse",
  "IceTrickleResponse",
  "UpdateSubscriptionsRequest",
  "UpdateSubscriptionsResponse",
  "TrackMuteState",
  "UpdateMuteStatesRequest",
  "UpdateMuteStatesResponse",
  "IceRestartRequest",
  "IceRestartResponse",
];

test("our messages are those of the official package: each reads what the other wrote", (t) => {
  const missing = ourMessages.filter(([name]) => officialMessage(name) === undefined);
  t.deepEqual(missing.map(([name]) => name).toSorted(), notExported.toSorted());
  let compared = 0;
  for (const [name, type] of ourMessages) {
    const official = officialMessage(name);
    if (official === undefined) continue;
    for (const sample of samples(type)) {
      const written = encode(type, sample as never);
      const read = official.fromBinary(written, { readUnknownField: "throw" });
      t.deepEqual(likeOurs(type, read), sample, `${name}: theirs of ours`);
      t.deepEqual(decode(type, official.toBinary(read)) as unknown, decode(type, written) as unknown, name);
      t.deepEqual(decode(type, official.toBinary(read)) as unknown, sample, `${name}: ours of theirs`);
      compared += 1;
    }
  }
  t.true(compared > 100);
});

test("our enumerations are those of the official package", (t) => {
  for (const [name, ours] of ourEnums) {
    const official = officialEnum(name);
    t.truthy(official, name);
    for (const [value, number] of Object.entries(ours)) t.is(official?.[value], number, `${name}.${value}`);
    // The app SDKs are of no interest to an agent.
    if (name === "SdkType") continue;
    const names = Object.keys(official ?? {}).filter((key) => !/^\d+$/.test(key));
    t.deepEqual(Object.keys(ours).toSorted(), names.toSorted(), name);
  }
});
