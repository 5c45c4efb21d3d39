/** The one-time tokens of the pages: in the hidden fields of forms, and as the `state` of redirects. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Grant } from "../../../IdentityControls.js"
import { sessionLifetime } from "../../model/session.js"
import * as oneTimeTokens from "../../web/oneTimeTokens.js"

/** The subject of a consent page. */
interface ConsentPage {
  readonly sessionUri: Redacted.Redacted
  /** The last part of the provider's callback URL. */
  readonly callbackId: string
}

/** The proof that a callback needs: the server's own code, or the PKCE verifier for the code of a federated provider. */
type Proof = { readonly code: string } | { readonly codeVerifier: Redacted.Redacted }

/** The rows of a dashboard, by the numbers with which its forms refer to them. */
interface Dashboard {
  readonly sessions: ReadonlyMap<number, Redacted.Redacted>
  readonly grants: ReadonlyMap<number, Grant>
}

/** @internal */
export class PageTokens extends Context.Tag("effect-agentcore-identity/internal/PageTokens")<PageTokens, {
  readonly consents: oneTimeTokens.OneTimeTokens<ConsentPage>
  readonly redirects: oneTimeTokens.OneTimeTokens<ConsentPage & Proof>
  readonly dashboards: oneTimeTokens.OneTimeTokens<Dashboard>
}>() {}

/** The approximate size of a dashboard, in characters: of the names and URIs, and 100 for each row and the dashboard itself. */
const sizeOf = ({ grants, sessions }: Dashboard): number => {
  let size = 100
  for (const uri of sessions.values()) size += 100 + Redacted.value(uri).length
  for (const { providerName, scopes, user, workloadName } of grants.values()) {
    size += 100 + providerName.length + user.length + workloadName.length
    for (const scope of scopes) size += scope.length
  }
  return size
}

/** All dashboards: 32 Mi characters. Those that a few open tabs request within ten minutes, even with 200 rows in each table. */
const dashboardLimit = { maxSize: 2 ** 25, sizeOf }

/** @internal */
export const make: Effect.Effect<PageTokens["Type"]> = Effect.all({
  consents: oneTimeTokens.make<ConsentPage>(sessionLifetime),
  redirects: oneTimeTokens.make<ConsentPage & Proof>(sessionLifetime),
  dashboards: oneTimeTokens.make<Dashboard>(sessionLifetime, dashboardLimit)
})
