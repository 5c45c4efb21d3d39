/** Lossless conversion of a string to bytes and back. */

const encoder = new TextEncoder()

// A text that begins with a byte order mark keeps it.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** First byte of a UTF-16 encoding; UTF-8 never starts with it. Two bytes for each code unit follow. */
const utf16Marker = 0xff

/** Encodes as UTF-8, or as UTF-16 a string that contains half of a surrogate pair, which UTF-8 cannot represent. */
export const toBytes = (text: string): Uint8Array<ArrayBuffer> => {
  const bytes = encoder.encode(text)
  if (decoder.decode(bytes) === text) return bytes
  const view = new DataView(new ArrayBuffer(1 + 2 * text.length))
  view.setUint8(0, utf16Marker)
  for (let index = 0; index < text.length; index++) view.setUint16(1 + 2 * index, text.charCodeAt(index))
  return new Uint8Array(view.buffer)
}

/** @internal */
export const fromBytes = (bytes: ArrayBuffer): string => {
  const view = new DataView(bytes)
  if (view.byteLength === 0 || view.getUint8(0) !== utf16Marker) return decoder.decode(bytes)
  let text = ""
  for (let at = 1; at + 1 < view.byteLength; at += 2) text += String.fromCharCode(view.getUint16(at))
  return text
}
