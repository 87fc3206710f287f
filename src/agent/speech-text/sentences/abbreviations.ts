/**
 * Abbreviations, by what a full stop after them means: in lower case, with inner stops and without the last one. Single
 * letters and words of letters with stops (`U.S`, `z.B`, `e.g`) need no entry: the splitter takes them for abbreviations by
 * their form.
 */

const words = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/));

/** Abbreviations before a name, which go on whatever follows. */
export const titles = words(`
  mr mrs ms mx messrs dr drs prof profs rev hon gen col maj capt cpt lt sgt cmdr gov sen rep pres supt st mt ft
  hr fr sr sra srta srs dra dña mme mlle mgr sig sigg dott avv ing dhr mevr dipl г-н г-жа проф акад डॉ प्रो श्री श्रीमती
`);

/** Abbreviations that go on unless the next word is one that mostly begins a sentence. */
export const goesOn = words(`
  vs viz cf approx ca fig figs vol vols ch chap sec sect eq eqs ed eds trans dept univ assn bros tel ext
  gebr bzw bspw evtl ggf inkl exkl einschl ausschl vgl sog geb gest str nr zzgl abzgl gegr verh mio mrd tsd mag bgm
  allg betr bes urspr lfd ebf gem insb vorm nachm dt franz engl bzgl hrsg österr mind stellv durchschn jährl monatl tägl mwst
  sres sras pág págs núm ej ee ud uds vd vds lic profa gral avda cap aprox izq dcha dpto admón excmo
  mmes env apr av boul éd tél adr bât dép rés
  sig.ra sig.na dott.ssa prof.ssa egr gent gent.mo spett arch geom rag cfr
  dhr mevr mw ir bijv resp mevr.dr evt mln mld bv
  tzv např np tzn tj m.in sv ul al os pl św ks inż hab nam tř mudr judr phdr
  esim ns mm sid jfr jf ang bl.a t.ex f.eks eks dvs ev resp ca mht
  dl dna bpk jl yth drg örn bkz sn cad sok mah
  ул пр просп пер им рис см ср напр тел доб моб корп обл гр тов д-р п.п т.н т.к т.е вул
  ts ths pgs gs bs gs.ts pgs.ts ts.bs ths.bs
  कि.मी
  αρ τηλ οδ δρ κα πχ
`);

/** Abbreviations that go on before a number: "No. 5", but "No. I am not." */
export const goesOnBeforeNumber = words(`
  no nos n p pp pg art arts nº n° ph par para lot bd ave rd apt ste jan feb mar apr jun jul aug sep sept oct nov dec
  abs abt kap s bl seite std min sek uhr apto piso кв стр д буд влд эт оф пом под каб рис гл п ст blz blok zał ryc rozdz č čp kl klo v nro em ker
  strada numéro num hs
`);

/**
 * Abbreviations that go on unless the next word begins as a sentence does: "Smith Inc. announced", but "… and so on, etc.
 * Then …".
 */
export const mayEnd = words(`
  etc inc ltd co corp llc plc gmbh cia cía jr esq enz al ff op cit loc max avg usw u.s.w
  a.m p.m ph.d m.d b.sc m.sc u.s.a uu ee.uu s.a s.l s.p.a s.r.l
  mon tue tues wed thu thur thurs fri sat sun
  ecc itd itp atd apod aj stb osv m.fl m.m jne ym vb dll dsb dst tsb λπ κ.λπ
  т.д т.п др руб коп тыс млн млрд гг вв чел шт мин сек час н.э н.эр гр.н
  zł tys mil godz hod min sek kčs kr vd ltda lda eirl
  c.à.d
`);

/** Abbreviations before the legal form of a company: "Müller & Co. KG". */
export const companies = words("co cie");
export const legalForms = words(
  "kg kgaa ohg gmbh mbh ag ug se ltd inc llc llp lp plc sa sarl sas srl spa bv nv oy ab as aps kk",
);

/** Abbreviations that follow the title of a doctor or professor in German: "Dr. med. Müller". */
export const afterTitle = words(
  "med dent vet jur iur phil rer nat pol oec habil theol h.c ing mult paed sc agr psych dipl univ",
);
