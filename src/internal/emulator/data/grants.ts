/** Grants: the tokens that users consented to. */
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

/** The grant of an issued token. If the vendor issues no new refresh token, the old one stays valid. */
export const grant = (target: Target, issued: IssuedToken, now: DateTime.Utc, old?: Grant["refresh"]): Grant => {
  const seconds = issued.expiresIn ?? assumptions.unstatedTokenLifetime
  return {
    target,
    accessToken: issued.accessToken,
    expiresAt: DateTime.add(now, { seconds }),
    refreshAt: DateTime.add(now, { seconds: seconds - assumptions.refreshAhead(seconds) }),
    refresh: issued.refreshToken === undefined ? old : {
      token: issued.refreshToken,
      expiresAt: issued.refreshExpiresIn === undefined
        ? undefined
        : DateTime.add(now, { seconds: issued.refreshExpiresIn })
    }
  }
}
