import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as assumptions from "../state/assumptions.js"
import type { IssuedToken } from "../state/issuer.js"
import { type Grant, type GrantKey, type Target, type User, userKey } from "../state/state.js"

/** @internal */
export const grantKey = (
  { providerName, user, workloadName }: {
    readonly workloadName: string
    readonly user: User
    readonly providerName: string
  }
): GrantKey => Data.struct({ workloadName, user: userKey(user), providerName })

const lifetime = (seconds: number, now: DateTime.Utc) => ({
  expiresAt: DateTime.add(now, { seconds }),
  freshUntil: DateTime.add(now, { seconds: seconds - assumptions.refreshAhead(seconds) })
})

/**
 * What a vendor issued, as the vault keeps it. A vendor that gives no new refresh token leaves the old one good.
 *
 * @internal
 */
export const grant = (target: Target, issued: IssuedToken, now: DateTime.Utc, old?: Grant["refresh"]): Grant => ({
  target,
  accessToken: issued.accessToken,
  ...lifetime(issued.expiresIn ?? assumptions.untoldLifetime, now),
  refresh: issued.refreshToken === undefined ? old : {
    token: issued.refreshToken,
    expiresAt: issued.refreshExpiresIn === undefined
      ? undefined
      : DateTime.add(now, { seconds: issued.refreshExpiresIn })
  }
})
