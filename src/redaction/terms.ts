/** What counts as a secret's name by default: plain word lists, spelled without separators. */

/** Matched as a sequence of whole words anywhere in a key: `apikey` is found in `x-api-key`, `userApiKeys`, `API_KEY_2`. */
export const TERMS: readonly string[] = words(`
  password passwd pwd passphrase passcode pass pw passwort kennwort motdepasse contrasena senha wachtwoord пароль 密码 密碼 パスワード 비밀번호
  secret credential creds jwt token bearer apikey auth authorization authheader cookie setcookie csrf xsrf
  session sessionid sessid sid jsessionid phpsessid
  creditcard debitcard cardnumber cardno cardnum cardpan pannumber primaryaccountnumber ccnumber ccnum ccno ccn creditcardnumber
  cvv cvc cvn csc securitycode cardcode cardverification trackdata magstripe
  pin ssn socialsecurity iban accountnumber accountnum accountno acctnumber acctnum acctno bankaccount
  privatekey privkey accesskey accesskeyid awsaccesskeyid signingkey encryptionkey decryptionkey masterkey sharedkey sharedaccesskey accountkey storagekey sshkey
  psk presharedkey gpgkey pgpkey keymaterial hmackey aeskey symmetrickey authkey appkey applicationkey consumerkey clientkey serverkey servicekey rolekey adminkey deploykey licensekey
  functionskey subscriptionkey webhookkey integrationkey writekey recoverykey backupkey unlockkey activationkey
  clientassertion codeverifier samlresponse samlassertion oauthverifier oauthsignature accesssignature sharedaccesssignature
  otp mfa totp 2fa onetimecode verificationcode smscode authcode authorizationcode accesscode logincode resetcode recoverycode backupcode
  devicecode unlockcode mfacode otpcode securityanswer mnemonic seedphrase recoveryphrase backupphrase
  connectionstring connstring connstr rawheaders
`);

/** Only in query strings and forms: in a JSON body `signature` is as likely the end of a letter. */
export const QUERY_TERMS: readonly string[] = words(`sig signature hmac xamzsignature xamzcredential xgoogsignature xgoogcredential`);

/** Found inside a single run of letters too (`ftppassword`, `USERAPIKEY`): no ordinary word contains one of these. */
export const STRONG_TERMS: readonly string[] = words(`
  password passwd passphrase passwort kennwort wachtwoord motdepasse contrasena apikey secretkey privatekey accesskey accesstoken refreshtoken idtoken
  authtoken clientsecret sessionid sessionkey sessiontoken jsessionid phpsessid creditcard cardnumber securitycode accountnumber socialsecurity
  connectionstring authorization
`);

/** Terms that may be glued to the affixes below (`usertoken`, `csrfmiddlewaretoken`); the others are too short or too common for that. */
export const GLUED_TERMS: readonly string[] = words(`
  password passwd pwd passphrase passcode secret token credential creds cookie session jwt apikey auth authorization csrf xsrf cvv cvc ssn iban otp totp
`);

/** May only end a glued word (`dbpass`, `newpin`): `passport` and `pincode`, a postal code in India, are none. */
export const GLUED_ENDINGS: readonly string[] = words('pass pin');

export const GLUED_PREFIXES: readonly string[] = words(`
  user my new old current confirm confirmed confirmation repeat retype verify db database admin root login signin account customer client member
  employee app application service server system api auth oauth access refresh id bearer jwt csrf xsrf session web webhook device push fcm apns bot
  github gitlab slack stripe aws azure gcp google facebook twitter smtp ftp sftp ssh mail email imap ldap mysql postgres pg redis mongo mongodb sql jdbc
  proxy http https basic master private secret shared signing encryption encrypted hashed plain plaintext raw temp temporary initial default card credit
  debit payment bank atm reset recovery backup x request response middleware verification security hidden wifi wp php asp spring
`);

export const GLUED_SUFFIXES: readonly string[] = words(`
  value text string data hash hashed field input param header key code id hex base64 encoded plain raw confirm confirmation repeat again verify new old
  current middleware
`);

/** A key that ends in one of these tells about a secret and does not hold it: `token_count`, `passwordChangedAt`, `auth_provider`. */
export const ABOUT: ReadonlySet<string> = new Set(
  words(`
  count counts counter total totals length len size limit limits max min maximum minimum quota usage used unused remaining attempt attempts retries
  failures failed index position order rank sum average avg percent percentage rate ratio threshold budget price cost minute hour day
  at on in since until date time timestamp expiry expires expire expired expiration exp created updated changed modified age ttl lifetime timeout duration
  seconds secs minutes hours days ms millis interval period
  type types kind class category format algorithm alg algo encoding method methods mode strategy policy policies rule rules requirement requirements
  strength score complexity version status state valid validity invalid enabled disabled enable required optional exists present verified missing visible
  locked revoked rotated rotation supported
  label title description placeholder error errors message reason scope scopes audience issuer provider providers source domain path file
  filename name names symbol address decimals url uri endpoint host hostname port server service owner user username by holder brand network country
  currency bank month year consent banner preferences preference settings options accepted level flow event result scheme context role roles
  group groups realm region location color icon standard manager management store storage generator validator tokenizer
`),
);

/** Before a plural these make a number: `max_tokens`, `activeSessions`. */
export const QUANTITIES: ReadonlySet<string> = new Set(
  words(`max min total prompt completion input output used remaining num n number cached reasoning estimated average avg active concurrent open
  count limit unique new audio text image`),
);

/** A key that begins with one of these states a fact: `has_password`, `requireMfa`, `is_token_valid`. */
export const STATEMENTS: ReadonlySet<string> = new Set(
  words('has is was are can should must needs need requires require required allow allows allowed enable enabled disable disabled'),
);

/** A key that begins with one of these may: then true, false and null stay. */
export const QUESTIONS: ReadonlySet<string> = new Set(words('show hide use uses used force with'));

/** Terms whose `…_id` names a thing in a database. A session's or a token's id is the secret itself. */
export const IDENTIFIED: ReadonlySet<string> = new Set(
  words(
    `apikey signingkey encryptionkey decryptionkey masterkey sshkey deploykey privatekey licensekey credential creditcard debitcard bankaccount mfa otp totp`,
  ),
);

/** Never plural: pins are on maps, passes are boarding passes. */
export const SINGULAR: ReadonlySet<string> = new Set(words('pin pass auth pw'));

/** The last word of a key that may complete its parent's: `{ "card": { "number": … } }`. */
export const COMPLETIONS: ReadonlySet<string> = new Set(words('number no num key keys code codes answer phrase string id data pan'));

function words(list: string): readonly string[] {
  return list.trim().split(/\s+/);
}
