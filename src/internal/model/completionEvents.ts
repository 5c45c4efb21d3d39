/** Events of the consent sessions of a service in this process. */
import * as Context from "effect/Context"
import type { SubscriptionRegistry } from "../lib/subscriptions.js"

/**
 * Registry in which the service in memory publishes the URI of each session that is completed, denied or has failed, through
 * the API or by the test controls, and of each that the test control expires. An event means "poll now". An `IdentityService` above it uses the same registry for the calls that wait. `undefined` on AWS.
 */
export class CompletionEvents extends Context.Reference<CompletionEvents>()(
  "effect-agentcore-identity/internal/CompletionEvents",
  { defaultValue: (): SubscriptionRegistry | undefined => undefined }
) {}
