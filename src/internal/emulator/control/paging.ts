import * as Either from "effect/Either"
import * as Hash from "effect/Hash"
import * as Schema from "effect/Schema"
import type { ValidationError } from "../../../IdentityError.js"
import { fieldError } from "../../model/validation.js"
import type { OperationName } from "../state/state.js"
import * as Table from "../state/table.js"

// The list of the token, and the last entry of the previous page, since entries may be added and removed between two pages.
// The checksum uses no secret, so a token stays valid when a stored service is opened again.
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
 */
export const page = <A, Index extends string>(
  operation: OperationName,
  request: PageRequest,
  maximum: number,
  entries: Table.Table<A, Index>
): Either.Either<{ readonly items: ReadonlyArray<A>; readonly nextToken: string | undefined }, ValidationError> =>
  Either.map(start(operation, request.nextToken), (after) => {
    const most = request.maxResults ?? maximum
    const taken: Array<readonly [key: string, item: A]> = []
    let hasMore = false
    for (const entry of Table.entriesAfter(entries, after)) {
      hasMore = taken.length === most
      if (hasMore) break
      taken.push(entry)
    }
    const last = taken.at(-1)
    return {
      items: taken.map(([, item]) => item),
      nextToken: last === undefined || !hasMore ? undefined : tokenOf(operation, last[0])
    }
  })

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
