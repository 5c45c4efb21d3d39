/**
 * Escapes characters that change what a terminal shows: control characters (C0, DEL, C1), bidirectional controls, line
 * separators, lone surrogates, and characters without a glyph (zero-width characters, fillers, variation selectors).
 */

// U+2800, the empty Braille pattern, looks like a space and is not one.
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu

/** Tests if every character of a text has a glyph or is a space. */
export const isPrintable = (text: string): boolean => text.search(unprintable) === -1

/** Replaces unprintable characters by their code points, as in `\u{1B}`. */
export const escapeText = (text: string): string =>
  text.replace(unprintable, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`)

const unit = (text: string, index: number) => `\\u${text.charCodeAt(index).toString(16).padStart(4, "0")}`

/** Encodes a value as JSON without unprintable characters. Parsing it returns the same value. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    unprintable,
    (character) => Array.from({ length: character.length }, (_, index) => unit(character, index)).join("")
  )
