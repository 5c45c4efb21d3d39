/** The users of workload access tokens, and the keys of their grants. */
import type * as Redacted from "effect/Redacted"

/** The user of a workload access token. A user named by id and one named by JWT are different users. */
export type User =
  | { readonly kind: "userId"; readonly userId: string }
  | { readonly kind: "jwt"; readonly issuer: string; readonly subject: string; readonly token: Redacted.Redacted }

/** @internal */
export const userKey = (user: User): string =>
  user.kind === "userId" ? `userId:${user.userId}` : `jwt:${user.issuer}|${user.subject}`

/** A user of a workload identity at a provider, who has at most one grant there. */
export interface GrantOwner {
  readonly workloadName: string
  readonly user: string
  readonly providerName: string
}

/** @internal */
export const grantOwner = (
  { providerName, user, workloadName }: {
    readonly workloadName: string
    readonly user: User
    readonly providerName: string
  }
): GrantOwner => ({ workloadName, user: userKey(user), providerName })

/** The key of the owner's grant, also on disk: the order of the members has a meaning. */
export const grantKey = ({ providerName, user, workloadName }: GrantOwner): string =>
  JSON.stringify({ workloadName, user, providerName })
