/** Finds the credentials before the host of URLs. */

import type { Range } from './tokens.js';

/** `cut`: the text's end is missing; what may be a password before a missing `@` goes. */
export function findUserinfo(text: string, cut: boolean, ranges: Range[]): void {
  let from = text.indexOf('//');
  while (from !== -1) {
    const begin = from + 2;
    const end = endOfRun(text, begin);
    if (end > begin) findInUrl(text, begin, end, cut && end === text.length, ranges);
    from = text.indexOf('//', Math.max(end, begin));
  }
}

function findInUrl(text: string, begin: number, end: number, cut: boolean, ranges: Range[]): void {
  const url = text.slice(begin, end);
  const slash = url.search(/[/?#\\]/);
  const authority = slash === -1 ? url : url.slice(0, slash);
  let at = authority.lastIndexOf('@');
  // A password may hold an unescaped slash, so what follows the colon is no port.
  if (at === -1 && /^[^:]*:(?!\d{0,5}$)/.test(authority) && !authority.startsWith('[')) at = url.lastIndexOf('@');
  if (at === -1) {
    const colon = authority.startsWith('[') ? -1 : authority.indexOf(':');
    const portless = colon !== -1 && !/^\d{0,5}$/.test(authority.slice(colon + 1));
    if (cut && (slash === -1 || portless)) ranges.push([begin + colon + 1, end]);
    return;
  }
  const colon = url.lastIndexOf(':', at) === -1 ? -1 : url.indexOf(':');
  if (colon !== -1 && colon < at) {
    if (colon + 1 < at) ranges.push([begin + colon + 1, begin + at]);
  } else if (!isLoginScheme(text, begin)) ranges.push([begin, begin + at]);
}

/** `ssh://git@host`: a login name, no token. */
function isLoginScheme(text: string, begin: number): boolean {
  return /(?:ssh|sftp|git|ftp|svn|rsync|smb|imap|smtp|mailto|acct):\/\/$/i.test(text.slice(Math.max(0, begin - 12), begin));
}

function endOfRun(text: string, from: number): number {
  let index = from;
  while (index < text.length && !END.includes(text[index] ?? '')) index++;
  return index;
}

const END = ' \t\r\n"\'`<>,{}|^\u200b';
