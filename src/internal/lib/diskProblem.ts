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

const noTarget = {
  what: "a symbolic link in its path has no target",
  remedy: "create the target, or use another path"
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
  { code: "EISDIR", text: "Is a directory", what: "a folder is in the place of a file", remedy: "move it away" },
  { code: "ELOOP", text: "Too many levels of symbolic links", ...noTarget },
  {
    code: "ENAMETOOLONG",
    text: "File name too long",
    what: "its path is too long",
    remedy: "use a shorter path"
  },
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

const deniedTexts = problems.filter(({ what }) => what === denied.what).map(({ text }) => `: ${text}`)

/** The path of a file to which the system denied access, as Node or LevelDB names it. */
export const deniedPath = (error: unknown): string | undefined => {
  if (error === undefined || find(error)?.what !== denied.what) return undefined
  if (Predicate.hasProperty(error, "path") && Predicate.isString(error.path)) return error.path
  const text = textOf(error)
  const end = deniedTexts.find((end) => text.startsWith("IO error: ") && text.endsWith(end))
  return end === undefined ? deniedPath(causeOf(error)) : text.slice("IO error: ".length, -end.length)
}

/** A file or folder to which access is denied. */
export interface Place {
  readonly path: string
  /** The id of its owner. */
  readonly owner: number
  readonly mode: number
  /** The id of the user of this process, if it is known. */
  readonly user: number | undefined
}

const formattedMode = (mode: number) => (mode & 0o7777).toString(8).padStart(4, "0")

const accessOf = ({ mode, owner, path, user }: Place) => ({
  state: `: '${path}' belongs to uid ${owner} and has the mode ${formattedMode(mode)}` +
    (user === undefined ? "" : `, and this process runs as uid ${user}`),
  remedy: owner === user
    ? "give its owner access with chmod u+rwX"
    : "make this user its owner with chown, or use a folder of this user"
})

/** An error for a symbolic link at the place of a folder. */
export const withoutTarget = (path: string): Error => Object.assign(new Error(`the link '${path}'`), { code: "ELOOP" })

/**
 * What failed, why, and the remedy. `detail` also names the file and the operation. Without a known cause, only what failed
 * and the message of the error. `place` is the file or folder to which access is denied.
 */
export const describe = (what: string, error: unknown, place?: Place): string => {
  const known = find(error)
  const detail = rootMessage(error)
  if (known === undefined) return `${what} (${detail})`
  const access = place === undefined ? undefined : accessOf(place)
  return `${what}: ${known.what} (${detail})${access?.state ?? ""}; ${access?.remedy ?? known.remedy}`
}
