import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as Hash from "effect/Hash"
import * as HashMap from "effect/HashMap"
import * as Order from "effect/Order"
import * as Schema from "effect/Schema"
import type { ValidationError } from "../../../IdentityError.js"
import { fieldError } from "../../model/validation.js"
import type { OperationName } from "../state/state.js"

// The list it belongs to, and the last entry of the page before: entries may come and go between two pages. The sum is
// no secret, and so is the same in every life of a service that is kept in a folder.
const Position = Schema.compose(
  Schema.StringFromBase64Url,
  Schema.parseJson(Schema.Struct({ list: Schema.String, after: Schema.String, sum: Schema.Finite }))
)

const encode = Schema.encodeSync(Position)
const decode = Schema.decodeEither(Position)

const tokenOf = (list: string, after: string) => encode({ list, after, sum: Hash.string(`${list} ${after}`) })

/** @internal */
export interface PageRequest {
  readonly nextToken?: string | undefined
  readonly maxResults?: number | undefined
}

/**
 * One page of `entries`, in the order of their keys. A token is accepted only exactly as it is made here. A caller can still
 * forge one; that is harmless, since it only says where a page starts.
 *
 * @internal
 */
export const page = <A>(
  operation: OperationName,
  request: PageRequest,
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
        : tokenOf(operation, last[0])
    }
  })

const byKey = Order.mapInput(Order.string, ([key]: readonly [string, unknown]) => key)

const start = (operation: OperationName, nextToken: string | undefined) =>
  nextToken === undefined
    ? Either.right(undefined)
    : decode(nextToken).pipe(
      Either.filterOrLeft(
        ({ after, list }) => list === operation && tokenOf(list, after) === nextToken,
        () => undefined
      ),
      Either.mapBoth({
        onLeft: () => fieldError(operation, { name: "nextToken", message: "Member must be a token of this list" }),
        onRight: ({ after }) => after
      })
    )
