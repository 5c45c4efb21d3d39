/** A neutral description of operations, into which our table and a client of the AWS SDK are both translated. */
import { Record } from "effect"

/** A type of the model. */
export interface Shape {
  /** `string`, `structure`, `union`, `list`, `map`, `timestamp` and so on, as Smithy names them. */
  readonly kind: string
  readonly sensitive: boolean
  /** The values of an enum; empty for other shapes. */
  readonly values: ReadonlyArray<string>
  /** The members of a structure or a union. */
  readonly members: { readonly [name: string]: Member }
  /** The items of a list, or the values of a map. */
  readonly item: Shape | undefined
}

export interface Member {
  /** `false` for the members of a union. */
  readonly required: boolean
  /** `body`, `path`, `query` or `header`, with the name on the wire if it differs. */
  readonly location: string
  readonly shape: Shape
}

export interface Operation {
  readonly plane: "data" | "control"
  readonly method: string
  readonly path: string
  /** The HTTP status of a success. */
  readonly status: number
  readonly request: Shape
  readonly reply: Shape
  /** The HTTP status of each error, by the name of its exception. */
  readonly errors: { readonly [exception: string]: number }
}

/** Operations by their names. */
export type Description = { readonly [name: string]: Operation }

/** A shape of this kind, with what is given besides. */
export const shape = (kind: string, given: Partial<Omit<Shape, "kind">> = {}): Shape => ({
  kind,
  sensitive: false,
  values: [],
  members: {},
  item: undefined,
  ...given
})

/** How many members a shape has, nested ones included. */
export const countMembers = ({ item, members }: Shape): number =>
  Record.reduce(members, 0, (count, member) => count + 1 + countMembers(member.shape)) +
  (item === undefined ? 0 : countMembers(item))
