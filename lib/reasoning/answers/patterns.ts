/**
 * Patterns that find a short final answer.
 *
 * They read texts of any length that a model wrote, so each must take linear time: every repetition
 * is bounded, except one at the very end of a pattern, where nothing can fail after it.
 *
 * @module
 */

/** A `FINAL:` line, which models also write in backticks, brackets and bold. */
export const FINAL =
  /^[ \t>*#_`[(-]{0,20}FINAL(?:\s{1,3}ANSWER)?[\])*_`]{0,4}\s{0,3}[:：]\s{0,3}(.*)/gim;

/** The line that prompts ask for, in capitals: `final: string;` is a line of code. */
export const FINAL_LINE = /^[ \t>*#_`[(-]{0,20}FINAL(?: ANSWER)?[\])*_`]{0,4} {0,3}[:：]/;

/** The first or the last line of a code block. */
export const FENCE = /^[ \t]{0,20}(?:`{3,20}|~{3,20})\w{0,20}$/;

/** The last line of an answer in GSM8K. */
export const GSM8K = /####\s{0,20}(.+)/gm;

/** "The answer is", "answer to … would be", "答案是". */
export const ANSWER_IS =
  /(?:\banswer[*_]{0,3}(?: (?:to|of|for) [^\n.:：]{1,80}?)?(?: (?:is|would be|must be|should be)\b|[ ]?[:：])|答案[*_]{0,3}(?:是|为|：|:))[*_]{0,3}\s{0,3}[:：]?\s{0,3}/gi;

export const THEREFORE = /\b(?:therefore|hence|thus|so)\b,?\s{0,3}([^\n]{1,120})/gi;

/** A number with an optional sign, separators, exponent, denominator and percent sign. */
export const NUMBER =
  /[-−+]?(?:\d{1,3}(?:,\d{3}){1,30}|\d{1,100})(?:\.\d{1,100}|,\d{1,2}(?![,\d]))?(?:e[-+]?\d{1,20})?(?:\/\d{1,100})?%?/gi;

/** A number after a verb or a sign that gives a result. */
export const RESULT =
  /(?:=|\b(?:is|are|was|equals?|equal to|makes?|gives?|gives (?:us|you)|get|gets|has|have|had|costs?|leaves?|needs?|pays?|results? in|resulting in|total of)(?: now| only| exactly| about| also)?\b)[\s*_$(]{0,4}([-−+]?(?:\d{1,3}(?:,\d{3}){1,30}|\d{1,100})(?:\.\d{1,100})?(?:\/\d{1,100})?%?)(?![\d:])/gi;

/** "36 apples is the answer". */
export const IS_ANSWER =
  /([-−+]?\d{1,100}(?:\.\d{1,100})?)(?: [a-z]{1,20})? is (?:the|your|our|my) (?:final )?answer/gi;

/** "Count of apples: 3." in a line of its own. */
export const COUNT =
  /^[^\w\n]{0,9}(?:the |final )?(?:count|number|total|sum)\b[^\n.:：\d]{0,80}[:：][\s*_$]{0,4}([-−+]?(?:\d{1,3}(?:,\d{3}){1,30}|\d{1,100})(?:\.\d{1,100})?)(?: [a-z]{1,20})?(?: [a-z]{1,20})?[.*_$]{0,4}$/gim;

/** A part of the prompt that models copy instead of an answer. */
export const PLACEHOLDER = /^[\s`*]{0,8}<[^<>\d]{3,200}>?|^[\s`*]{0,8}FINAL\b/i;

/** An operation, whose result may follow. */
export const OPERATION = /\d {0,3}(?:[-+*/×÷x]|times|plus|minus|divided by) {0,3}\d/i;

/** The result of an operation before it. */
export const WHICH_IS = /^,? which (?:is|equals|gives|makes) ([-−+]?\d[\d.,]{0,30}\d|\d)/i;

/** What follows a number that is only a part of an expression. */
export const OPERATOR = /^ ?[-−+*/×÷^x] ?\d/;

export const CLAUSE_END =
  /[.。!！?？;；](?=[\s"'”’*_`)]|$)|,(?=\s[a-z])|，|\s(?:because|since|as)\s|\s[—–(]/i;

/** Words after "the answer is" that do not start an answer. */
export const NO_ANSWER =
  /^(?:not|that|clear|obvious|unclear|unknown|given|found|simple|above|below|as|in|to|based)\b/i;

/** Marks of emphasis and mathematics before an answer. */
export const MARKS_BEFORE = /^(?:\*\*|__|`|\$|\\\(|\\\[){1,8}/;

/** The same marks after an answer. */
export const MARKS_AFTER = /(?:\*\*|__|`|\$|\\\)|\\\]){1,8}$/;

/** An option of a question: its letter, a mark and some text. */
export const OPTION = /(?:^|[\s(（])([A-J])[)）.．:：、]\s{0,8}\S/gm;

/** Patterns that find an option in an answer, given the letters of the question's options. */
export function optionPatterns(
  letters: string,
): { inSentence: RegExp; alone: RegExp; leading: RegExp } {
  return {
    inSentence: new RegExp(
      `(?:answer|option|choice|choose|pick|选|答案)(?: is|是|为)?(?: indeed| clearly| definitely)?\\s{0,3}[:：]?\\s{0,3}[(*（"“']{0,4}([${letters}])(?![a-z])`,
      "gi",
    ),
    alone: new RegExp(`^[ \\t(*（]{0,8}([${letters}])[)*）.。:：]{0,8}[ \\t]{0,8}$`, "gm"),
    leading: new RegExp(
      `^[ \\t(*（>-]{0,8}([${letters}])(?:[)）、][*_]{0,2}[ \\t]{0,4}|[.．][*_]{0,2}[ \\t]{1,4})\\S`,
      "gm",
    ),
  };
}
