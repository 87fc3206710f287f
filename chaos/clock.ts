/** The monotonic clock that all processes of a machine share, in milliseconds. */
export const machineNow = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;
