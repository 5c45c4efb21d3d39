import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { IdentityApi } from "../../../IdentityApi.js"
import type { Unauthorized } from "../../../IdentityError.js"
import { findWorkload } from "../control/workloads.js"
import * as assumptions from "../state/assumptions.js"
import { reported } from "../state/providerFailures.js"
import * as simulatedValues from "../state/simulatedValues.js"
import type { OperationName, State, WorkloadToken } from "../state/state.js"
import { result, type Store } from "../state/store.js"
import * as Table from "../state/table.js"
import type { User } from "../state/user.js"

// A user's key has a bar between issuer and subject. A URI has no bar, and an issuer with one could imitate a user of another
// issuer.
const Claims = Schema.compose(
  Schema.StringFromBase64Url,
  Schema.parseJson(Schema.Struct({
    iss: Schema.String.pipe(Schema.pattern(/^[^|]+$/)),
    sub: Schema.NonEmptyString,
    exp: Schema.optional(Schema.Finite)
  }))
)

const decodeClaims = Schema.decodeEither(Claims)

/** Reads the user of a JWT, and the time at which it expires (in epoch milliseconds). */
const readUserToken = (
  operation: OperationName,
  token: Redacted.Redacted,
  now: DateTime.Utc
): Either.Either<{ readonly user: User; readonly until: number }, Unauthorized> => {
  const [, payload = ""] = Redacted.value(token).split(".")
  return decodeClaims(payload).pipe(
    Either.mapLeft(() => "it is not a JWT with the claims iss and sub"),
    Either.filterOrLeft(({ iss }) => iss.length <= assumptions.maxClaimLength, () => assumptions.claimTooLong("iss")),
    Either.filterOrLeft(({ sub }) => sub.length <= assumptions.maxClaimLength, () => assumptions.claimTooLong("sub")),
    Either.map(({ exp = Infinity, iss, sub }) => ({
      user: { kind: "jwt" as const, issuer: iss, subject: sub, token },
      until: exp * 1000
    })),
    Either.filterOrLeft(({ until }) => until > DateTime.toEpochMillis(now), () => "it has expired"),
    Either.mapLeft((reason) => assumptions.userTokenRefused(operation, reason))
  )
}

/** The workload identity and the user of a workload access token, if it is valid. */
export const authorize = (
  operation: OperationName,
  state: State,
  now: DateTime.Utc,
  token: Redacted.Redacted
): Either.Either<WorkloadToken, Unauthorized> =>
  Table.get(state.workloadTokens, Redacted.value(token)).pipe(
    Option.filter(({ expiresAt }) => DateTime.lessThan(now, expiresAt)),
    Either.fromOption(() => assumptions.workloadTokenRefused(operation))
  )

/** @internal */
export const make = (
  store: Store
): Pick<
  IdentityApi["Type"],
  "getWorkloadAccessToken" | "getWorkloadAccessTokenForJWT" | "getWorkloadAccessTokenForUserId"
> => {
  const mint = Effect.fnUntraced(function*(
    operation: OperationName,
    name: string,
    identify: (now: DateTime.Utc) => Either.Either<
      { readonly user: User | undefined; readonly until: number },
      Unauthorized
    >
  ) {
    const token = yield* simulatedValues.base62(64)
    return yield* store.decide((state, now) =>
      Either.gen(function*() {
        const workload = yield* findWorkload(operation, state, name)
        if (workload.linked) return yield* Either.left(assumptions.linkedToService(operation))
        const { until, user } = yield* identify(now)
        const latest = DateTime.toEpochMillis(now) + Duration.toMillis(assumptions.workloadTokenLifetime)
        const expiresAt = DateTime.unsafeMake(Math.min(until, latest))
        const current = Table.prune(state.workloadTokens, now)
        return result({ workloadAccessToken: Redacted.make(token) }, {
          ...state,
          workloadTokens: Table.set(current, token, { workloadName: name, user, expiresAt })
        })
      })
    )
  })

  return {
    getWorkloadAccessToken: ({ workloadName }) =>
      mint("GetWorkloadAccessToken", workloadName, () => Either.right({ user: undefined, until: Infinity })),
    getWorkloadAccessTokenForJWT: ({ userToken, workloadName }) => {
      const operation = "GetWorkloadAccessTokenForJWT"
      const verified = store.issuers.verify?.(userToken).pipe(
        reported(store, "(inbound JWT)"),
        // The caller names the address of the key set, so the result of the request to it is not reported to the caller.
        Effect.mapError(({ description, error = description, reason }) =>
          assumptions.userTokenRefused(
            operation,
            reason === "Refused" && error !== undefined ? error : "it could not be checked"
          )
        )
      )
      return Effect.zipRight(
        verified ?? Effect.void,
        mint(operation, workloadName, (now) => readUserToken(operation, userToken, now))
      )
    },
    getWorkloadAccessTokenForUserId: ({ userId, workloadName }) =>
      mint(
        "GetWorkloadAccessTokenForUserId",
        workloadName,
        () => Either.right({ user: { kind: "userId", userId }, until: Infinity })
      )
  }
}
