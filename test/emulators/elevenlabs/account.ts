/** The account that the requests are made for. All of it may be changed while the emulator runs. */
export interface ElevenlabsAccount {
  /** The only key that is let in; null: any that does not begin with `wrong`, but there must be one. */
  apiKey: string | null;
  /** True where the key may only speak. */
  restrictedKey: boolean;
  /** Voices that do not exist. All others do. */
  unknownVoices: Set<string>;
  /** Requests for speech at the same time; see {@link concurrencyOfPlan}. */
  maxConcurrentRequests: number;
  /** The credits that are left; each character of text costs one. */
  credits: number;
}

/**
 * The requests at the same time that each plan allows for Flash: twice what help.elevenlabs.io (article 19571824571921)
 * gives for other models.
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
