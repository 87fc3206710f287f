/** The account of the requests. All of it may be changed while the emulator runs. */
export interface ElevenlabsAccount {
  /** The only key that is accepted; null: every key that does not begin with `wrong`. */
  apiKey: string | null;
  /** Says whether the key may only synthesise speech. */
  restrictedKey: boolean;
  /** Voices that do not exist. All others do. */
  unknownVoices: Set<string>;
  /** The largest number of concurrent requests for speech; see {@link concurrencyOfPlan}. */
  maxConcurrentRequests: number;
  /** The credits that are left; each character of text costs one. */
  credits: number;
}

/**
 * The concurrent requests of each plan for Flash: twice those of other models in help.elevenlabs.io (article 19571824571921).
 */
export const concurrencyOfPlan = {
  free: 4,
  starter: 6,
  creator: 10,
  pro: 20,
  scale: 30,
  business: 30,
} as const;

export const defaultAccount = (): ElevenlabsAccount => ({
  apiKey: null,
  restrictedKey: false,
  unknownVoices: new Set(),
  maxConcurrentRequests: concurrencyOfPlan.pro,
  credits: Number.POSITIVE_INFINITY,
});
