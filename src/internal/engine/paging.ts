import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Order from "effect/Order"
import * as Schema from "effect/Schema"
import type { ValidationError } from "../../IdentityError.js"
import { fieldError } from "../check.js"
import type { OperationName } from "./state.js"

// The list it belongs to, and the last entry of the page before: entries may come and go between two pages.
const Position = Schema.compose(
  Schema.StringFromBase64Url,
  Schema.parseJson(Schema.Struct({ list: Schema.String, after: Schema.String }))
)

const encode = Schema.encodeSync(Position)
const decode = Schema.decodeEither(Position)

/**
 * One page of `entries`, in the order of their keys.
 *
 * @internal
 */
export const page = <A>(
  operation: OperationName,
  request: { readonly nextToken?: string | undefined; readonly maxResults?: number | undefined },
  maximum: number,
  entries: HashMap.HashMap<string, A>
): Either.Either<{ readonly items: ReadonlyArray<A>; readonly nextToken: string | undefined }, ValidationError> =>
  Either.map(start(operation, request.nextToken), (after) => {
    const left = Arr.sort(HashMap.toEntries(entries), byKey).filter(([key]) => after === undefined || key > after)
    const taken = Arr.take(left, request.maxResults ?? maximum)
    const last = taken.at(-1)
    return {
      items: taken.map(([, item]) => item),
      nextToken: last === undefined || taken.length === left.length
        ? undefined
        : encode({ list: operation, after: last[0] })
    }
  })

const byKey = Order.mapInput(Order.string, ([key]: readonly [string, unknown]) => key)

const start = (operation: OperationName, nextToken: string | undefined) =>
  nextToken === undefined
    ? Either.right(undefined)
    : decode(nextToken).pipe(
      Either.filterOrLeft(({ list }) => list === operation, () => undefined),
      Either.mapBoth({
        onLeft: () => fieldError(operation, { name: "nextToken", message: "Member must be a token of this list" }),
        onRight: ({ after }) => after
      })
    )
