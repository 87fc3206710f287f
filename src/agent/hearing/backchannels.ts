/**
 * The words that listeners say without wanting the floor, by language, each as a recogniser writes it. The first list is
 * said in most languages. A word is left out where in its own language it also refuses, asks or begins an objection.
 */
const byLanguage = {
  any: [
    "ah",
    "aha",
    "eh",
    "ehm",
    "hm",
    "mhm",
    "mm",
    "mmhm",
    "mhmm",
    "oh",
    "ok",
    "okay",
    "oke",
    "oké",
    "uh",
    "uhm",
    "um",
    "wow",
  ],
  ar: ["نعم", "أيوه", "ايوه", "طيب", "تمام", "حسنا", "أوكي"],
  cs: ["ano", "jo", "jasně", "dobře", "aha", "no", "no jo"],
  da: ["ja", "jo", "okay", "nemlig", "præcis", "fint"],
  de: [
    "ja",
    "jaja",
    "jo",
    "jap",
    "genau",
    "klar",
    "na klar",
    "gut",
    "alles klar",
    "stimmt",
    "richtig",
    "ach so",
    "achso",
    "verstehe",
    "aha",
  ],
  el: ["ναι", "εντάξει", "σωστά", "μάλιστα"],
  en: [
    "alright",
    "all right",
    "got it",
    "huh",
    "i see",
    "of course",
    "right",
    "sure",
    "uh huh",
    "uhhuh",
    "mm hmm",
    "yeah",
    "yep",
    "yes",
    "yup",
  ],
  es: [
    "sí",
    "si",
    "claro",
    "claro que sí",
    "vale",
    "ya",
    "bueno",
    "bien",
    "de acuerdo",
    "entiendo",
    "ajá",
    "exacto",
  ],
  fi: ["joo", "juu", "kyllä", "niin", "aivan", "selvä", "no niin"],
  fr: [
    "oui",
    "ouais",
    "d'accord",
    "bien sûr",
    "voilà",
    "bien",
    "très bien",
    "ah bon",
    "ah oui",
    "je vois",
    "exactement",
    "entendu",
  ],
  he: ["כן", "אוקיי", "בסדר", "טוב", "נכון", "אהה"],
  hi: ["हाँ", "हां", "जी", "जी हाँ", "जी हां", "अच्छा", "ठीक है", "ओके", "haan", "ji", "accha", "theek hai"],
  hu: ["igen", "jó", "persze", "értem", "aha", "rendben"],
  id: ["ya", "iya", "baik", "betul", "oke", "he eh"],
  it: ["sì", "si", "certo", "va bene", "esatto", "capisco", "giusto", "ecco", "d'accordo"],
  ja: [
    "はい",
    "ええ",
    "うん",
    "うんうん",
    "そう",
    "そうですね",
    "そうですか",
    "なるほど",
    "ああ",
    "はあ",
    "ほう",
    "へえ",
    "オーケー",
  ],
  ko: ["네", "예", "응", "어", "그래", "그렇군요", "맞아요", "아", "오케이", "음"],
  nl: ["ja", "jaja", "juist", "precies", "goed", "klopt", "zeker", "natuurlijk", "inderdaad"],
  no: ["ja", "jo", "jada", "ikke sant", "nettopp", "greit", "fint"],
  pl: ["tak", "jasne", "dobrze", "dobra", "rozumiem", "aha", "no", "no tak", "no jasne"],
  pt: [
    "sim",
    "claro",
    "certo",
    "tá",
    "tá bom",
    "está bem",
    "pois",
    "pois é",
    "é",
    "isso",
    "beleza",
    "entendo",
    "exato",
  ],
  ro: ["da", "bine", "sigur", "desigur", "exact", "înțeleg"],
  ru: [
    "да",
    "ага",
    "угу",
    "так",
    "хорошо",
    "понятно",
    "ясно",
    "конечно",
    "верно",
    "ладно",
    "ок",
    "окей",
    "мм",
    "ну да",
  ],
  sv: ["ja", "jo", "japp", "just det", "precis", "visst", "okej", "jaha", "mm"],
  th: ["ค่ะ", "ครับ", "ใช่", "อืม", "โอเค", "คะ", "จ้ะ"],
  tr: ["evet", "tamam", "peki", "tabii", "doğru", "hı hı", "anladım"],
  uk: ["так", "ага", "угу", "добре", "зрозуміло", "звісно", "гаразд", "ну так"],
  vi: ["vâng", "dạ", "ừ", "đúng rồi", "được", "ừm"],
  zh: [
    "嗯",
    "嗯嗯",
    "哦",
    "噢",
    "好",
    "好的",
    "对",
    "對",
    "是",
    "是的",
    "行",
    "对对",
    "没错",
    "沒錯",
    "明白",
    "啊",
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Words that are listening in their own language, and refuse or point at something in one that is heard as often. */
const onlyInTheirOwn: Readonly<Partial<Record<keyof typeof byLanguage, readonly string[]>>> = {
  cs: ["no"],
  pl: ["no"],
  // "There!" in German.
  ro: ["da"],
  // "How?" and "what?" to others.
  ko: ["어"],
};

const isLanguage = (name: string): name is keyof typeof byLanguage => name !== "any" && name in byLanguage;

/**
 * Returns the words that listeners say without wanting the floor.
 * @param language Of the recogniser, such as `de` or `pt-BR`. Without one that is known, the words of all languages, less those
 * that mean something else in another.
 */
export function backchannelsOf(language?: string): readonly string[] {
  const [base = ""] = (language ?? "").toLowerCase().split(/[-_]/);
  // English words are said in all languages.
  if (isLanguage(base)) return [...byLanguage.any, ...byLanguage.en, ...byLanguage[base]];
  return Object.entries(byLanguage).flatMap(([name, words]) => {
    const own: readonly string[] = isLanguage(name) ? (onlyInTheirOwn[name] ?? []) : [];
    return words.filter((word) => !own.includes(word));
  });
}

/** Scripts that are written without spaces between words. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;
/** The segmenter, which is made when it is first used: that takes some 20 ms and 3 MiB in a process. */
let segmenter: Intl.Segmenter | undefined;

/** Returns the words of a text, small, without marks; how long a sound is drawn does not matter: "mmm" is "mm". */
export function wordsOf(text: string): string[] {
  return text
    .normalize("NFC")
    .toLowerCase()
    .replaceAll(/['’ʼ-]/g, "")
    .replaceAll(/[^\p{L}\p{M}\p{N}\s]/gu, " ")
    .replaceAll(/(\p{Script=Latin}|\p{Script=Cyrillic})\1+/gu, "$1")
    .split(/\s+/)
    .flatMap((word) => (unspaced.test(word) ? unspacedWords(word) : word))
    .filter((word) => word !== "");
}

function unspacedWords(text: string): string[] {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "word" });
  return [...segmenter.segment(text)].map(({ segment }) => segment);
}

/**
 * Judges whether a text consists of nothing but such words. A question, as in "Right?", wants an answer and is none of
 * them.
 */
export class Backchannels {
  readonly #phrases: ReadonlySet<string>;
  readonly #longest: number;

  constructor(phrases: readonly string[]) {
    const known = phrases.map((phrase) => wordsOf(phrase));
    this.#phrases = new Set(known.map((words) => words.join(" ")));
    this.#longest = Math.max(0, ...known.map(({ length }) => length));
  }

  covers(text: string): boolean {
    if (/[?？؟;]["'”’»)\s]*$/u.test(text)) return false;
    const words = wordsOf(text);
    let place = 0;
    while (place < words.length) {
      const length = this.#phraseAt(words, place);
      if (length === 0) return false;
      place += length;
    }
    return words.length > 0;
  }

  /** Returns the number of words of the longest phrase that begins here; 0 where there is none. */
  #phraseAt(words: readonly string[], place: number): number {
    for (let length = Math.min(this.#longest, words.length - place); length > 0; length -= 1) {
      if (this.#phrases.has(words.slice(place, place + length).join(" "))) return length;
    }
    return 0;
  }
}
