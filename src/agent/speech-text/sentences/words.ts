const words = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/));

/** Names of months with a capital in languages that write ordinals with a full stop: "am 3. Juni". */
export const months = words(`
  januar jänner jaenner februar feber märz maerz april mai juni juli august september oktober november dezember
  jan feb mär mrz apr jun jul aug sep sept okt nov dez
  january february march april may june july august september october november december
  janvier février mars avril juin juillet août septembre octobre novembre décembre
  ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık
  lokakuuta kesäkuuta heinäkuuta elokuuta syyskuuta marraskuuta joulukuuta tammikuuta helmikuuta maaliskuuta huhtikuuta
  toukokuuta
`);

/** Words that come after an ordinal in German: "im 3. Stock". */
export const afterOrdinal = words(`
  stock stockwerk etage obergeschoss untergeschoss og ug jahrhundert jahrhunderts jahrtausend mal klasse platz rang weltkrieg
  advent geburtstag quartal halbjahr semester lebensjahr tag tages woche monat monats jahr jahres stunde minute sekunde
  kapitel abschnitt absatz auflage ausgabe generation stufe runde liga bundesliga mannschaft halbzeit spieltag minute gang
  teil band akt satz punkt person welle dosis grad ebene spur strophe staffel folge hochzeitstag bezirk arrondissement
`);

/** Words that stand before an ordinal in German and its neighbours: "der 2. Weltkrieg". */
export const beforeOrdinal = words(`
  am vom zum bis der das den dem des im beim zur ab seit jeder jede jedes jeden unser unsere unserem unserer mein meine dein
  deine sein seine ihr ihre ihrem ihrer ihren sonntag montag dienstag mittwoch donnerstag freitag samstag sonnabend mo di mi do
  fr sa so lördag søndag mandag tirsdag onsdag torsdag fredag lørdag
`);

/** Words with a capital that stand before the number of a ruler in Turkish: "Sultan II. Abdülhamid". */
export const rulers = words("sultan padişah hükümdar kral kraliçe imparator çar papa şah prens");

/** Words that begin sentences, and hardly ever follow an abbreviation: "in the U.S. It is". */
export const starters = words(`
  the this that these those it it's its he she they we i i'm i'll you you're there here if in on at as and but so or what when where
  who why how do does did is are was were can could would will should please let then also however for from with my your our
  their his her no yes now next after before because while once
  der die das es er sie wir ich du ihr dies diese dieser dieses dann danach aber und oder wenn weil bitte im in am auf mit
  für was wie wo wann warum ist sind kann können
  le la les il elle nous vous je ils elles ce cette ces c'est et mais si dans pour puis ensuite
  el los las él ella nosotros usted ustedes yo este esta estos estas es son y pero si en para luego después
  lo gli lei lui noi voi questo questa è ma se poi per
  o os as ele ela nós você eu este esta e mas se em para depois
  het de dit dat hij zij wij jij ik maar als en dan
  to ta ten on ona my wy ja i ale jeśli potem
  он она они мы вы я это но и если потом в на
`);

/** A sentence that was not punctuated is best cut before these. */
export const conjunctions = words(`
  and but or so because which that when while if then where who although since until after before with
  und aber oder weil dass wenn dann denn also sondern damit obwohl während bis
  et mais ou donc parce que qui quand si puis alors pour
  y pero o porque que cuando si entonces para
  e ma o perché che quando se poi allora
  mas ou porque quando então
  en maar of omdat dat als dan want
  i ale lub bo że kiedy jeśli potem więc
  и но или потому что когда если потом чтобы
  और लेकिन या क्योंकि कि जब तो
  و لكن أو لأن عندما إذا ثم
`);

/** Zones and days that follow "3 p.m." */
export const afterTime = words(`
  et ct mt pt est edt cst cdt mst mdt pst pdt gmt utc cet cest bst ist jst eastern pacific central mountain monday tuesday wednesday thursday
  friday saturday sunday today tomorrow tonight
`);
