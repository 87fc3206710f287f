import { PlainReplica } from "./plain-replica.ts";

const replica = new PlainReplica(process.argv[2] ?? "");
await replica.listen();
console.log(`listening on ${replica.port}`);
