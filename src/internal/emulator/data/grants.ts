/** Grants: the tokens that users consented to. */
import * as DateTime from "effect/DateTime"
import * as assumptions from "../state/assumptions.js"
import type { IssuedToken } from "../state/issuer.js"
import type { Grant } from "../state/state.js"
import type { Target } from "../state/target.js"
import type { GrantOwner } from "../state/user.js"

/** The grant of an issued token. If the vendor issues no new refresh token, the old one stays valid. */
export const grant = (
  { providerName, user, workloadName }: GrantOwner,
  target: Target,
  issued: IssuedToken,
  now: DateTime.Utc,
  old?: Grant["refresh"]
): Grant => {
  const seconds = issued.expiresIn ?? assumptions.unstatedTokenLifetime
  return {
    workloadName,
    user,
    providerName,
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
