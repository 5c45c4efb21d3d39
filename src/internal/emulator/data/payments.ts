import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Method, Reply } from "../../../IdentityApi.js"
import { findProvider, resolveSecret } from "../control/providers.js"
import * as assumptions from "../state/assumptions.js"
import * as simulatedValues from "../state/simulatedValues.js"
import type { Store } from "../state/store.js"
import { authorize } from "./workloadTokens.js"

const operation = "GetResourcePaymentToken"

/** @internal */
export const make = (store: Store): Method<"getResourcePaymentToken"> =>
  Effect.fnUntraced(function*({ paymentTokenRequest: request, resourceCredentialProviderName, workloadIdentityToken }) {
    const bearer = yield* simulatedValues.simulated("payment")
    const signature = yield* simulatedValues.simulated("signature")
    return yield* store.read((state, now) =>
      Either.gen(function*() {
        yield* authorize(operation, state, now, workloadIdentityToken)
        const { account } = yield* findProvider(
          operation,
          "payment",
          state.paymentProviders,
          resourceCredentialProviderName
        )
        if (account.vendor === "CoinbaseCDP") {
          if (!("coinbaseCdpTokenRequest" in request)) {
            return yield* Either.left(assumptions.paymentVendorMismatch(operation, "coinbaseCdpTokenRequest"))
          }
          yield* resolveSecret(operation, state, account.apiKeySecret)
          const wallet = request.coinbaseCdpTokenRequest.includeWalletAuthToken === true
            ? yield* resolveSecret(operation, state, account.walletSecret)
            : undefined
          return reply({
            coinbaseCdpTokenResponse: {
              bearerToken: bearer,
              walletAuthToken: wallet === undefined ? undefined : signature
            }
          })
        }
        if (!("stripePrivyTokenRequest" in request)) {
          return yield* Either.left(assumptions.paymentVendorMismatch(operation, "stripePrivyTokenRequest"))
        }
        yield* resolveSecret(operation, state, account.appSecret)
        const isSigned = request.stripePrivyTokenRequest.includeAuthorizationSignature === true
        const privateKey = isSigned
          ? yield* resolveSecret(operation, state, account.authorizationPrivateKey)
          : undefined
        return reply({
          stripePrivyTokenResponse: {
            appId: account.appId,
            basicAuthToken: bearer,
            authorizationSignature: privateKey === undefined ? undefined : signature,
            requestExpiry: DateTime.toEpochMillis(now) + Duration.toMillis(assumptions.paymentRequestLifetime)
          }
        })
      })
    )
  })

const reply = (
  paymentTokenResponse: Reply<"getResourcePaymentToken">["paymentTokenResponse"]
): Reply<"getResourcePaymentToken"> => ({ paymentTokenResponse })
