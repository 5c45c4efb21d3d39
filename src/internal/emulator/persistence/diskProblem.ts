/** The known causes for which the system refuses to read or write a file, and their remedies. */
import * as Predicate from "effect/Predicate"

interface DiskProblem {
  /** The code of the system, which Node reports. */
  readonly code: string
  /** The text of the system, which is all that LevelDB reports. */
  readonly text: string
  readonly what: string
  readonly remedy: string
}

const full = { what: "the disk is full", remedy: "free space on it" }

const readOnly = {
  what: "the file system is read-only",
  remedy: "mount it with write access, or use a folder on another one"
}

const denied = {
  what: "this user has no access",
  remedy: "give this user read and write access to the folder, its files and its key file"
}

const tooManyFiles = {
  what: "too many files are open",
  remedy: "raise the limit, for example with `ulimit -n`, or close files"
}

const noFolder = { what: "a part of its path is a file", remedy: "use a path of folders" }

const problems: ReadonlyArray<DiskProblem> = [
  { code: "ENOSPC", text: "No space left on device", ...full },
  {
    code: "EDQUOT",
    text: "Disk quota exceeded",
    what: "the disk quota is used up",
    remedy: "free space, or raise the quota"
  },
  { code: "EFBIG", text: "File too large", what: "a file is larger than the system allows", remedy: "raise the limit" },
  { code: "EROFS", text: "Read-only file system", ...readOnly },
  { code: "EACCES", text: "Permission denied", ...denied },
  { code: "EPERM", text: "Operation not permitted", ...denied },
  { code: "EMFILE", text: "Too many open files", ...tooManyFiles },
  { code: "ENFILE", text: "Too many open files in system", ...tooManyFiles },
  { code: "ENOTDIR", text: "Not a directory", ...noFolder },
  // Of `mkdir`, at a path that is no folder.
  { code: "EEXIST", text: "File exists", ...noFolder },
  {
    code: "EIO",
    text: "Input/output error",
    what: "the disk reports an input or output error",
    remedy: "check the disk"
  },
  {
    code: "ENOLCK",
    text: "No locks available",
    what: "the file system has no file locks",
    remedy: "use a folder on a local disk"
  }
]

const textOf = (error: unknown): string =>
  Predicate.hasProperty(error, "message") && Predicate.isString(error.message) ? error.message : String(error)

const causeOf = (error: unknown): unknown => Predicate.hasProperty(error, "cause") ? error.cause : undefined

/** The known cause of an error, or of the errors that caused it. */
export const find = (error: unknown): Pick<DiskProblem, "what" | "remedy"> | undefined => {
  if (error === undefined) return undefined
  const code = Predicate.hasProperty(error, "code") ? error.code : undefined
  const text = textOf(error)
  return problems.find((problem) => problem.code === code) ??
    problems.find((problem) => text.endsWith(`: ${problem.text}`)) ??
    find(causeOf(error))
}

/** The message of the error that caused this one first, without its stack. */
export const rootMessage = (error: unknown): string => {
  const cause = causeOf(error)
  return cause === undefined ? textOf(error) : rootMessage(cause)
}

/**
 * What failed, why, and the remedy. `detail` also names the file and the operation. Without a known cause, only what failed
 * and the message of the error.
 */
export const describe = (what: string, error: unknown): string => {
  const known = find(error)
  const detail = rootMessage(error)
  return known === undefined ? `${what} (${detail})` : `${what}: ${known.what} (${detail}); ${known.remedy}`
}
