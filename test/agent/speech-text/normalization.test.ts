import test from "ava";
import { type TextTransform, textTransforms } from "../../../src/index.ts";
import { spoken } from "./spoken.ts";

const say = (source: string, transform: TextTransform) =>
  spoken(source, { transforms: [...textTransforms.standard, transform] });

type Cases = Readonly<Record<string, string>>;

function cases(
  title: string,
  make: (language: string) => TextTransform,
  byLanguage: Readonly<Record<string, Cases>>,
) {
  test(title, (t) => {
    for (const [language, texts] of Object.entries(byLanguage)) {
      for (const [source, expected] of Object.entries(texts))
        t.is(say(source, make(language)), expected, source);
    }
  });
}

cases("money is said with the name of its currency", textTransforms.money, {
  en: {
    "It costs $12.50, or $5.": "It costs 12 dollars and 50 cents, or 5 dollars.",
    "€3.99, £1.01 and $1,234.00": "3 euros and 99 cents, 1 pound and 1 penny and 1,234 dollars",
    "It made $5 million, then $2.5M.": "It made 5 million dollars, then 2.5 million dollars.",
    "Pay $5-10 or 20 USD.": "Pay 5 to 10 dollars or 20 dollars.",
    "HK1 and AB$ and 5 dollars": "HK1 and AB$ and 5 dollars",
  },
  de: {
    "Das macht 12,50 € und 1.234,50 EUR.": "Das macht 12 Euro 50 und 1.234 Euro 50.",
    "3 Mio. € Umsatz": "3 Mio. Euro Umsatz",
  },
  fr: { "Cela coûte 1 234,50 €.": "Cela coûte 1 234 euros 50." },
  es: { "Cuesta 12,50 €.": "Cuesta 12 euros con 50." },
  ja: { "価格は¥1,500です。": "価格は1,500 円です。" },
});

cases("phone numbers are said digit by digit", textTransforms.phoneNumbers, {
  en: {
    "Call +1 (555) 123-4567.": "Call plus 1, 5 5 5, 1 2 3, 4 5 6 7.",
    "Or 555-123-4567, now.": "Or 5 5 5, 1 2 3, 4 5 6 7, now.",
    "In 2027, 1234567 people, 10.5.2024, 2027-03-01, 1-2":
      "In 2027, 1234567 people, 10.5.2024, 2027-03-01, 1-2",
  },
  de: { "Rufen Sie 030 1234567 an.": "Rufen Sie 0 3 0, 1 2 3 4, 5 6 7 an." },
  fr: { "Le 06 12 34 56 78.": "Le 0 6, 1 2, 3 4, 5 6, 7 8.", "Le 01/03/2027": "Le 01/03/2027" },
  es: { "Al +34 912 345 678": "Al más 3 4, 9 1 2, 3 4 5, 6 7 8" },
});

cases("dates are said with the name of their month", textTransforms.dates, {
  en: {
    "On 2027-03-01.": "On March 1, 2027.",
    "On 3/4/2027 at 10:30": "On March 4, 2027 at 10:30",
    "At 2027-03-01T14:30:00Z": "At March 1, 2027, 14:30",
    "2027-13-01, 99/99/2027, v1.2.3, 1/2": "2027-13-01, 99/99/2027, v1.2.3, 1/2",
  },
  "en-GB": { "On 3/4/2027": "On 3 April 2027" },
  de: { "Am 01.03.2027 um 10.30 Uhr": "Am 1. März 2027 um 10.30 Uhr" },
  fr: { "Le 01/03/2027": "Le 1 mars 2027" },
  ja: { "2027-03-01に。": "2027年3月1日に。" },
});

cases("measures are said with the name of their unit", textTransforms.units, {
  en: {
    "20 °C, 5 km, 1 kg": "20 degrees Celsius, 5 kilometers, 1 kilogram",
    "60 mph and 5 mg, 3%": "60 miles per hour and 5 milligrams, 3 percent",
    "5 in the box, the 1990s, 5kmx": "5 in the box, the 1990s, 5kmx",
  },
  de: { "20 °C und 5 mg": "20 Grad Celsius und 5 Milligramm" },
  fr: { "5 km/h": "5 kilomètres par heure" },
});

cases("e-mail addresses are said in words", textTransforms.emailAddresses, {
  en: {
    "Write to jo.doe-x@example.com.": "Write to jo dot doe dash x at example dot com.",
    "a_b@c.co.uk, or mailto:x@y.org!": "a underscore b at c dot co dot uk, or x at y dot org!",
    "meet @ noon, a@b": "meet @ noon, a@b",
  },
  de: { "An info@firma.de": "An info ät firma Punkt de" },
});

test("a language that is none is refused", (t) => {
  for (const make of [textTransforms.money, textTransforms.dates, textTransforms.units]) {
    t.throws(() => make("not a language"), { instanceOf: RangeError });
  }
});
