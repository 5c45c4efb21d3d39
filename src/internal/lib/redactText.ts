/**
 * Removes secrets from text in any encoding. Servers and proxies escape the text that they quote in different ways, so every
 * character is matched in each of its encodings.
 */
import * as Arr from "effect/Array"
import * as Order from "effect/Order"

/** The text that replaces a secret. */
export const redacted = "<redacted>"

/** The length of the shortest secret that is removed, in characters. Ordinary words contain shorter ones. */
export const minSecretLength = 4

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)

const hexOf = (number: number, digits: number) =>
  number.toString(16).padStart(digits, "0").replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)

const either = (alternatives: ReadonlyArray<string>) => `(?:${alternatives.join("|")})`

const isPlain = (character: string) => /^[A-Za-z0-9]$/.test(character)

/** Pattern of a character in a JSON string. The alternatives start differently, so that matching does not backtrack. */
const inJson = (character: string): string => {
  if (isPlain(character)) return character
  const short = JSON.stringify(character).slice(1, -1)
  const units = Arr.makeBy(character.length, (index) => String.raw`\\u${hexOf(character.charCodeAt(index), 4)}`)
  return either([escaped(short), ...(character === "/" ? [String.raw`\\\/`] : []), units.join("")])
}

const utf8 = new TextEncoder()

/** Pattern of a character in a URL or a form, unencoded or percent-encoded once or twice. */
const inUrl = (character: string): string => {
  if (isPlain(character)) return character
  const bytes = Array.from(utf8.encode(character), (byte) => `%(?:25)?${hexOf(byte, 2)}`)
  const bare = character === "%" ? [] : [escaped(character)]
  return either([...bare, ...(character === " " ? [String.raw`\+`] : []), bytes.join("")])
}

const entities: { readonly [character: string]: string } = {
  "&": "amp",
  "'": "apos",
  ">": "gt",
  "<": "lt",
  "\"": "quot"
}

/** Pattern of a character in HTML. */
const inHtml = (character: string): string => {
  if (isPlain(character)) return character
  const code = character.codePointAt(0) ?? 0
  const name = entities[character]
  return either([
    ...(name === undefined ? [] : [`&${name};`]),
    `&#0{0,6}${code};`,
    `&#[xX]0{0,6}${hexOf(code, 1)};`,
    escaped(character)
  ])
}

/** Limit of the characters in one regular expression, whose size is limited. */
const chunkSize = 1000

const compile = (secret: string, spell: (character: string) => string): ReadonlyArray<RegExp> =>
  Arr.chunksOf(Array.from(secret), chunkSize).map((part, index) =>
    new RegExp(part.map(spell).join(""), index === 0 ? "g" : "y")
  )

/** Returns the end of the match that continues at `from`, or -1 if the other chunks do not follow there. */
const endOf = (chunks: ReadonlyArray<RegExp>, text: string, from: number) =>
  chunks.reduce((end, chunk) => {
    if (end === -1) return -1
    chunk.lastIndex = end
    return chunk.test(text) ? chunk.lastIndex : -1
  }, from)

const replaced = (text: string, [first, ...rest]: ReadonlyArray<RegExp>) => {
  if (first === undefined) return text
  let result = ""
  let copied = 0
  first.lastIndex = 0
  for (let match = first.exec(text); match !== null; match = first.exec(text)) {
    const end = endOf(rest, text, first.lastIndex)
    if (end === -1) {
      first.lastIndex = match.index + 1
    } else {
      result += text.slice(copied, match.index) + redacted
      first.lastIndex = copied = end
    }
  }
  return result + text.slice(copied)
}

const compiled = (secret: string, spell: (character: string) => string) => {
  let chunks: ReadonlyArray<RegExp> | undefined
  return () => chunks ??= compile(secret, spell)
}

/** Compiles the expressions of a secret once, when a text needs them: an error of AWS may list thousands of fields. */
const replacer = (secret: string) => {
  const json = compiled(secret, inJson)
  const url = compiled(secret, inUrl)
  const html = compiled(secret, inHtml)
  return (text: string): string => {
    // No encoding is shorter than the secret itself.
    if (text.length < secret.length) return text
    // Most texts have no escapes, and a pass takes time.
    return [
      ...(text.includes("\\") ? [json] : []),
      ...(/[%+]/.test(text) ? [url] : []),
      ...(text.includes("&") ? [html] : [])
    ].reduce((text, chunks) => replaced(text, chunks()), text.replaceAll(secret, redacted))
  }
}

/**
 * Replaces each of the secrets by {@link redacted}: as it is, in JSON, percent-encoded once or twice, and in HTML. The
 * secrets are looked up for each text, since a call has its credentials only after it is signed.
 */
export const redactText = (secrets: () => ReadonlyArray<string>): (text: string) => string => {
  const replacers = new Map<string, (text: string) => string>()
  const replacerOf = (secret: string) => {
    const known = replacers.get(secret) ?? replacer(secret)
    replacers.set(secret, known)
    return known
  }
  return (text) =>
    // The longest first, so that no secret that is part of another leaves the rest of it behind.
    Arr.sortWith(Arr.dedupe(secrets()), (secret) => -secret.length, Order.number)
      .filter((secret) => secret.length >= minSecretLength)
      .reduce((text, secret) => replacerOf(secret)(text), text)
}
