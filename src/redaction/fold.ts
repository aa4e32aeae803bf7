/** Folds look-alike characters to plain ASCII, so that a disguised name or value is compared as it is read. */

/**
 * A name as it reads: compatibility forms decomposed, accents, invisible and control characters dropped, look-alikes of
 * other alphabets replaced. Case is kept: it marks the words of camelCase.
 */
export function foldName(name: string): string {
  if (PLAIN.test(name)) return name;
  return name.normalize('NFKD').replace(DROPPED, '').replace(NOT_ASCII, lookAlike);
}

/**
 * A text folded character by character, of the same length, so that positions in it are positions in the original.
 * Invisible characters become U+200B.
 */
export function foldValue(text: string): string {
  return FOLDABLE.test(text) ? text.replace(FOLDED, foldUnit) : text;
}

const PLAIN = /^[\x20-\x7e]*$/;
const DROPPED = /[\p{M}\p{Cf}\p{Cc}\p{Default_Ignorable_Code_Point}]/gu;
const NOT_ASCII = /\P{ASCII}/gu;

// Full-width forms, digits of other scripts in the basic plane, spaces and dashes, and the invisible.
const RANGES =
  '\\uff01-\\uff5e\\u0660-\\u0669\\u06f0-\\u06f9\\u0966-\\u096f\\u00a0\\u1680\\u2000-\\u200f\\u2010-\\u2015\\u2028-\\u202f\\u205f-\\u2064\\u3000\\u2212\\ufe58\\ufe63\\ufeff\\u00ad\\u180e';
const FOLDABLE = new RegExp(`[${RANGES}]`);
const FOLDED = new RegExp(`[${RANGES}]`, 'g');

function foldUnit(unit: string): string {
  const code = unit.charCodeAt(0);
  if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - 0xfee0);
  if (code >= 0x0660 && code <= 0x0669) return String.fromCharCode(48 + code - 0x0660);
  if (code >= 0x06f0 && code <= 0x06f9) return String.fromCharCode(48 + code - 0x06f0);
  if (code >= 0x0966 && code <= 0x096f) return String.fromCharCode(48 + code - 0x0966);
  if ((code >= 0x2010 && code <= 0x2015) || code === 0x2212 || code === 0xfe58 || code === 0xfe63) return '-';
  if ((code >= 0x200b && code <= 0x200f) || (code >= 0x2060 && code <= 0x2064) || (code >= 0x202a && code <= 0x202e)) return '\u200b';
  return code === 0xfeff || code === 0x00ad || code === 0x180e ? '\u200b' : ' ';
}

function lookAlike(character: string): string {
  return LOOK_ALIKES.get(character) ?? character;
}

/** The letters of Unicode's confusables table that one meets in disguised Latin words; `ß` and stroked letters do not decompose. */
const LOOK_ALIKES: ReadonlyMap<string, string> = pairs(
  'а a в b с c ԁ d е e һ h і i ј j к k ӏ l м m о o р p ԛ q ѕ s т t у y ѵ v ԝ w х x ѡ w г r п n ь b ҽ e ё e ї i',
  'А A В B С C Е E Н H І I Ј J К K М M О O Р P Ѕ S Т T У Y Х X Ԁ D Ԛ Q Ԝ W',
  'α a β b ε e ι i κ k ν v ο o ρ p τ t υ u χ x η n σ o ω w γ y ς s',
  'Α A Β B Ε E Ζ Z Η H Ι I Κ K Μ M Ν N Ο O Ρ P Τ T Υ Y Χ X',
  'ı i ɑ a ɡ g ʀ r ꜱ s ᴀ a ʙ b ᴄ c ᴅ d ᴇ e ꜰ f ɢ g ʜ h ɪ i ᴊ j ᴋ k ʟ l ᴍ m ɴ n ᴏ o ᴘ p ᴛ t ᴜ u ᴠ v ᴡ w ʏ y ᴢ z ɩ i ɾ r ʋ u',
  'ո n օ o ս u հ h զ q յ j ց g ա w ꓐ B ꓑ P ꓢ S ꓳ O ꓪ W ꓣ R ꓓ D ꓮ A ꓔ T ꓗ K ꓰ E ꓠ N',
  'Ꭺ A Ᏼ B Ꮯ C Ꭰ D Ꭼ E Ꮋ H Ꭻ J Ꮶ K Ꮮ L Ꮇ M Ꮲ P Ꮪ S Ꭲ T Ꮃ W Ꮓ Z',
  'ß ss ł l Ł L ø o Ø O đ d Đ D ħ h ŧ t æ ae œ oe þ p ð d',
);

function pairs(...rows: readonly string[]): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const row of rows) {
    const cells = row.split(' ');
    for (let index = 0; index + 1 < cells.length; index += 2) map.set(cells[index] ?? '', cells[index + 1] ?? '');
  }
  return map;
}
