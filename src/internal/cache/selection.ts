/** What an invalidation removes, as a value that other processes can read. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isOf, mayBeAt, namesOf, type UserName } from "../service/grantKey.js"
import type { Owner } from "./entries.js"

/** An entry: its key and its owner. */
export interface Keyed extends Owner {
  readonly key: string
}

/** The entries that match all members; without members all entries. */
export interface Selection {
  readonly key?: string | undefined
  readonly providerName?: string | undefined
  readonly identity?: string | undefined
  readonly user?: UserName | undefined
  /** Also selects the entries whose workload is not known. */
  readonly workloadName?: string | undefined
}

const always = () => true

/** Makes the test for the entries of a selection. */
export const matches = ({ identity, key, providerName, user, workloadName }: Selection) => {
  const isUser = user === undefined ? always : isOf(user)
  const isHere = workloadName === undefined ? always : mayBeAt(workloadName)
  return (entry: Keyed): boolean =>
    (key === undefined || entry.key === key) &&
    (providerName === undefined || entry.providerName === providerName) &&
    (identity === undefined || entry.identity === identity) &&
    isUser(entry.identity) && isHere(entry.identity)
}

const tag = (...parts: ReadonlyArray<string | ReadonlyArray<string> | undefined>) => JSON.stringify(parts)

const all = tag("all")

/**
 * The tags of an entry, the one of its key first. An invalidation changes the tags that `tagsToChange` returns, so an entry that
 * it selects has one of them.
 */
export const tagsOf = ({ identity, key, providerName }: Keyed): ReadonlyArray<string> => {
  const names = Option.getOrUndefined(namesOf(identity))
  const user = names?.user
  const owners = [tag("identity", identity), ...(user === undefined ? [] : [tag("user", user)])]
  return [
    tag("key", key),
    all,
    tag("workload", names?.workloadName),
    ...owners,
    ...(providerName === undefined ? [] : [
      tag("provider", providerName),
      tag("identity", identity, providerName),
      ...(user === undefined ? [] : [tag("user", user, providerName)])
    ])
  ]
}

/** The tags that an invalidation changes. They may select more entries than it does, never fewer. */
export const tagsToChange = (
  { identity, key, providerName, user, workloadName }: Selection
): ReadonlyArray<string> => {
  if (key !== undefined) return [tag("key", key)]
  if (workloadName !== undefined) return [tag("workload", workloadName), tag("workload", undefined)]
  const provider = providerName === undefined ? [] : [providerName]
  if (identity !== undefined) {
    const isEmpty = user !== undefined && !isOf(user)(identity)
    return isEmpty ? [] : [tag("identity", identity, ...provider)]
  }
  if (user !== undefined) return [tag("user", user, ...provider)]
  return [providerName === undefined ? all : tag("provider", providerName)]
}

const Text = Schema.optional(Schema.String)

const Message = Schema.parseJson(Schema.Struct({
  key: Text,
  providerName: Text,
  identity: Text,
  user: Schema.optional(Schema.Tuple([Schema.Literal("workload", "jwt")], Schema.String)),
  workloadName: Text
}))

/** Writes a selection for other processes. */
export const encode = (selection: Selection): string => JSON.stringify(selection)

/** Reads a selection of another process. */
export const decode: (text: string) => Option.Option<Selection> = Schema.decodeOption(Message)
