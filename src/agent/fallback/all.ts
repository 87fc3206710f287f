/** Has every member do it; rejects with what went wrong first in their order, once all have ended. */
export async function all<Member>(
  members: readonly Member[],
  work: (member: Member) => unknown,
): Promise<void> {
  const ends = await Promise.allSettled(members.map(async (member) => work(member)));
  const failed = ends.find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}
