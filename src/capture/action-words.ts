/** Words that paths use for what is done, and for parts of a thing of which there is one. */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** At the end of a path these are what is done, whatever the method except DELETE: a deleted lock is a lock. */
const DEEDS: ReadonlySet<string> = words(`
  accept acknowledge activate apply approve archive assign authenticate authorize ban block bulk-create bulk-delete bulk-update cancel
  capture charge check checkout clone close complete confirm convert copy deactivate decline decrypt disable dismiss download duplicate
  enable encrypt escalate execute export finalize follow import impersonate invite join leave like lock login logout merge move
  notify pause pay preview process publish query reactivate read redeem refresh refund register reject release remove rename renew reopen
  reorder replay resend reset resolve restart restore resume retry revoke rollback rotate run save search send share ship sign signin signout
  signup sign-in sign-out sign-up snooze star start stop submit subscribe suspend switch sync terminate test transfer trigger unarchive unassign
  unban unblock undo unfollow unlike unlock unpublish unstar unsubscribe upgrade upload validate verify void watch withdraw`);

/** Of a user or an order there is one each: a POST makes it, and nobody's id is spelled so. */
const PARTS: ReadonlySet<string> = words(`
  account address audit avatar balance banner bio body calendar card cart config configuration content count cover credit data description
  detail device email file history icon image info inventory key license limit link list location log logo manifest member
  message meta metadata name note order owner parent password phone photo picture plan policy preference price profile quota report
  result role schedule schema score secret session setting spec state statistics status stock summary template theme thumbnail title token
  tree type usage user value version wallet webhook`);

/** Ends of nouns: an `activation`, a `payment`, a `membership`. */
const NOUN_ENDING = /(?:[ts]ion|ment|ship|ness|ance|ence|ity|ism|ist|ogy|ture|ing|er|or)$/;

export function isDeed(word: string): boolean {
  return DEEDS.has(word);
}

export function isPart(word: string): boolean {
  return PARTS.has(word);
}

export function looksLikeNoun(word: string): boolean {
  return !DEEDS.has(word) && (PARTS.has(word) || NOUN_ENDING.test(word));
}
