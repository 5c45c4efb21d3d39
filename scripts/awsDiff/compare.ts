/** The differences between two descriptions, a line for each. */
import { Array as Arr, Order, Record } from "effect"
import type { Description, Member, Operation, Shape } from "./Description.js"

const both = (ours: object, theirs: object): ReadonlyArray<string> =>
  Arr.sort(Arr.dedupe([...Object.keys(ours), ...Object.keys(theirs)]), Order.string)

const difference = (ours: unknown, theirs: unknown) => `${String(ours)} in our table, ${String(theirs)} in the client`

/** A word on a member that one side does not have. */
const summary = ({ required, shape: { item, kind, members, sensitive } }: Member): string =>
  [
    required ? "required" : "optional",
    ...(sensitive ? ["sensitive"] : []),
    kind,
    ...(item === undefined ? [] : [`of ${item.kind}`]),
    ...(kind === "union" || kind === "structure" ? [`of ${Object.keys(members).join(", ")}`] : [])
  ].join(" ")

/** A structure of one required member, and a union of one member, are the same on the wire, and in our schemas. */
const asUnion = ({ members, ...rest }: Shape): Shape => ({
  ...rest,
  kind: "union",
  members: Record.map(members, (member) => ({ ...member, required: false }))
})

const isSingle = ({ kind, members }: Shape) => {
  const all = Record.values(members)
  return kind === "structure" && all.length === 1 && all.every(({ required }) => required)
}

const shapes = (at: string, given: Shape, theirs: Shape): ReadonlyArray<string> => {
  const ours = theirs.kind === "union" && isSingle(given) ? asUnion(given) : given
  if (ours.kind !== theirs.kind) return [`${at}: ${difference(ours.kind, theirs.kind)}`]
  return [
    ...(ours.sensitive === theirs.sensitive
      ? []
      : [`${at}: ${ours.sensitive ? "sensitive only in our table" : "sensitive only in the client"}`]),
    ...Arr.difference(ours.values, theirs.values).map((value) => `${at}: enum value ${value} only in our table`),
    ...Arr.difference(theirs.values, ours.values).map((value) => `${at}: enum value ${value} only in the client`),
    ...both(ours.members, theirs.members).flatMap((name) => {
      const [our, their] = [ours.members[name], theirs.members[name]]
      const path = at.endsWith(" ") ? `${at}${name}` : `${at}.${name}`
      if (our === undefined) {
        return their === undefined
          ? []
          : [`${path}: member only in the client (${summary(their)})`]
      }
      return their === undefined ? [`${path}: member only in our table (${summary(our)})`] : members(path, our, their)
    }),
    ...(ours.item === undefined || theirs.item === undefined ? [] : shapes(`${at}.*`, ours.item, theirs.item))
  ]
}

const members = (at: string, ours: Member, theirs: Member): ReadonlyArray<string> => [
  ...(ours.required === theirs.required
    ? []
    : [`${at}: ${ours.required ? "required only in our table" : "required only in the client"}`]),
  ...(ours.location === theirs.location
    ? []
    : [`${at}: ${difference(`in the ${ours.location}`, `in the ${theirs.location}`)}`]),
  ...shapes(at, ours.shape, theirs.shape)
]

const operations = (name: string, ours: Operation, theirs: Operation): ReadonlyArray<string> => [
  ...(["plane", "method", "path", "status"] as const).flatMap((key) =>
    ours[key] === theirs[key] ? [] : [`${name} ${key}: ${difference(ours[key], theirs[key])}`]
  ),
  ...shapes(`${name} request `, ours.request, theirs.request),
  ...shapes(`${name} reply `, ours.reply, theirs.reply),
  ...both(ours.errors, theirs.errors).flatMap((exception) => {
    const [our, their] = [ours.errors[exception], theirs.errors[exception]]
    if (our === their) return []
    if (our === undefined) return [`${name} error ${exception}: only in the client`]
    if (their === undefined) return [`${name} error ${exception}: only in our table`]
    return [`${name} error ${exception}: ${difference(`HTTP ${our}`, `HTTP ${their}`)}`]
  })
]

/** One line for each difference, sorted by operation. */
export const differences = (ours: Description, theirs: Description): ReadonlyArray<string> =>
  both(ours, theirs).flatMap((name) => {
    const [our, their] = [ours[name], theirs[name]]
    if (our === undefined) {
      return their === undefined ? [] : [`${name}: operation only in the client (${their.method} ${their.path})`]
    }
    return their === undefined ? [`${name}: operation only in our table`] : operations(name, our, their)
  })
