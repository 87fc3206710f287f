/** The weather at a place, and its source. */
export type Weather =
  | {
      readonly found: true;
      readonly location: string;
      readonly temperatureCelsius: number;
      readonly conditions: string;
      readonly source: string;
    }
  | { readonly found: false; readonly location: string; readonly reason: string; readonly source: string };
