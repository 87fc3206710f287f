/**
 * What a full stop after a word means. Lower case, inner stops kept, the last one left out. Single letters and words of
 * letters with stops (`U.S`, `z.B`, `e.g`) need no entry: the splitter takes them for abbreviations by their form.
 */

const words = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/));

/** Always go on: a name or a word follows. */
export const alwaysGoesOn = words(`
  mr mrs ms mx messrs dr drs prof rev hon gen col maj capt cpt lt sgt cmdr gov sen rep pres supt st mt ft
  vs viz cf approx ca fig figs vol vols ch chap sec sect eq eqs ed eds trans dept univ assn bros tel ext
  hr fr bzw bspw evtl ggf inkl exkl vgl sog geb gest str nr
  sr sra srta srs sres dra dña pág págs núm ej ud uds vd vds
  mme mlle mgr env
  sig sigg sig.ra dott avv ing egr gent
  dhr mevr mw ir bijv resp
  tzv např např sv
`);

/** Go on before a number: "No. 5", but "No. I am not." */
export const goesOnBeforeNumber = words(`
  no nos n p pp pg art arts nº n° ph par para lot bd ave rd apt ste jan feb mar apr jun jul aug sep sept oct nov dec
`);

/** Go on unless the next word begins as a sentence does: "Smith Inc. announced", but "… and so on, etc. Then …". */
export const mayEnd = words(`
  etc inc ltd co corp llc plc gmbh cia jr esq enz al ff op cit loc min max avg usw
  a.m p.m ph.d m.d b.sc m.sc u.s.a
  mon tue tues wed thu thur thurs fri sat sun
`);
