/**
 * Runs the work for every member. Once all have ended it rejects with the error of the first member, in their order, that
 * failed.
 */
export async function all<Member>(
  members: readonly Member[],
  work: (member: Member) => unknown,
): Promise<void> {
  const ends = await Promise.allSettled(members.map(async (member) => work(member)));
  const failed = ends.find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}
