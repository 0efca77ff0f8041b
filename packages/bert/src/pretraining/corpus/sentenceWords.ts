/** What a word with a period after it says about the end of a sentence. */
export type AbbreviationKind = 'before-name' | 'before-number' | 'initial' | 'may-end' | 'none';

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '));

/** Titles, which a name follows, and what stands inside a sentence by nature. */
const BEFORE_NAME = set(
  'Mr Mrs Ms Messrs MR MRS DR Mme Mlle Dr Drs Prof Gen Brig Maj Col Lieut Lt Capt Comdr Commdr Cmdr Com Commo Adm Sgt Pvt Rev Hon Gov Sen Rep Pres Supt Atty ' +
    'Insp vs viz cf ca al i.e e.g I.e E.g',
);

/** What counts something; without a number after it, it is a word like any other. */
const BEFORE_NUMBER = set(
  'No Nos no nos Art Arts art arts Sec Secs sec secs Vol Vols vol vols Fig Figs fig figs Ch ch Chap chap Pt pt Doc doc Stat Par par p pp ART SEC NO ' +
    'Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec',
);

/** What is short for something and may as well stand at the end. */
const MAY_END = set(
  'Inc Co Cos Ltd Corp Bros Jr Sr Esq etc Etc St Ste Mt Ft Ave Blvd Rd Dept dept Assn Bldg Univ Gal lb lbs oz ft ult inst prox Ala Ariz Ark Cal Calif ' +
    'Colo Conn Del Fla Ga Ill Ind Kan Kans Ky La Md Mich Minn Miss Mo Mont Neb Nebr Nev Okla Ore Oreg Pa Penn Tenn Tex Va Vt Wash Wis Wyo Ter Terr Eng Fed Govt U.S.A Ph.D',
);

/** Words that open sentences and seldom go on after an abbreviation with a capital. */
const OPENERS = set(
  'The This That These Those A An In On At By For From To With Without Within It Its He She We They I You Our Their His Her My Your And But Or Nor So If ' +
    'When Whenever While As There Here Now What Who Whose How Why Where Which Let No Not Such Since After Before Under Upon During Because Although Though However ' +
    "Therefore Thus Then All Some Any Each Every Many Most Both Other Others Only Even Yet Today Tonight Tomorrow Nothing Nobody I'm I've I'll It's We're We've We'll " +
    "That's There's They're Don't Let's Is Are Was Were Do Does Did Can Could Will Would Should May Shall Have Has Had Be Of Until Unless Once Whether Through " +
    'Moreover Furthermore Meanwhile Also First Second Third Finally Last Next One Two Three',
);

/** Which abbreviation a word is, its last period taken off. */
export function abbreviationKind(stem: string): AbbreviationKind {
  if (BEFORE_NAME.has(stem)) return 'before-name';
  if (BEFORE_NUMBER.has(stem)) return 'before-number';
  if (/^\p{Lu}$/u.test(stem)) return 'initial';
  // U.S, D.C, a.m: letters with periods between.
  if (MAY_END.has(stem) || /^(\p{L}\.)+\p{L}$/u.test(stem)) return 'may-end';
  return 'none';
}

/** Whether a word (of what follows) is one that usually opens a sentence. */
export function opensSentence(word: string): boolean {
  return OPENERS.has(word.replace(/[,;:.!?"'”’)\]…-]+$/u, '').replace('’', "'"));
}
