/** Quotes an argument in a message, unless it may be a secret that was passed in the wrong place. */

/** The length of the longest argument that is quoted. */
const maxLength = 128

/** A session URI, a JWT, or a URL with parameters. */
const mayBeSecret = (text: string) =>
  /^(?:urn:|eyJ)/.test(text) || /[?&](?:session_id|request_uri|state|code)=/.test(text)

/** @internal */
export const mayBeQuoted = (text: string): boolean => !mayBeSecret(text) && text.length <= maxLength

/** @internal */
export const quoted = (text: string): string => mayBeQuoted(text) ? `'${text}'` : `a value of ${text.length} characters`
