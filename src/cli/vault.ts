/** The commands `vault` and `portals`: the token vault, and consent portals. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { operations } from "../IdentityApi.js"
import type { OptionNames } from "../internal/model/optionNames.js"
import * as Client from "./client.js"
import { fromFile } from "./fromFile.js"
import { flag, optional, required } from "./option.js"
import * as Output from "./output.js"

const vaultNames: OptionNames = [["kmsConfiguration.kmsKeyArn", "--key-arn"]]

const getVault = Command.make("get", Client.common, (given) =>
  Client.run(given, (identity) =>
    Effect.flatMap(
      identity.getTokenVault({}),
      (vault) => Output.value(given.json, operations.getTokenVault.reply, vault)
    ))).pipe(Command.withDescription("Shows the token vault and the key that encrypts it."))

const setKey = Command.make("set-key", {
  keyArn: optional("key-arn", "ARN", "the ARN of the KMS key that encrypts the vault"),
  serviceKey: flag("service-key", "use the key of the service, instead of --key-arn"),
  ...Client.common
}, (given) =>
  Client.run(given, (identity) =>
    Effect.flatMap(
      identity.setTokenVaultCMK({
        kmsConfiguration: Option.match(given.keyArn, {
          onNone: () => ({ keyType: "ServiceManagedKey" as const }),
          onSome: (kmsKeyArn) => ({ keyType: "CustomerManagedKey" as const, kmsKeyArn })
        })
      }),
      (vault) => Output.value(given.json, operations.setTokenVaultCMK.reply, vault)
    ), {
    names: vaultNames,
    check: Option.isSome(given.keyArn) === given.serviceKey
      ? Effect.fail(Output.usageInvalid("pass either --key-arn or --service-key"))
      : Effect.void
  })).pipe(
    Command.withDescription("Sets the key that encrypts the token vault.")
  )

const id = required("id", "ID", "the id of the consent portal, as list prints it")

const portalNames: OptionNames = [["consentPortalIdentifier", "--id"]]

const listPortals = Command.make(
  "list",
  Client.common,
  (given) =>
    Client.run(given, (identity) =>
      Effect.gen(function*() {
        const consentPortals = Array.from(yield* Stream.runCollect(identity.listConsentPortals()))
        yield* given.json
          ? Output.value(true, operations.listConsentPortals.reply, { consentPortals })
          : Output.table(
            ["ID", "NAME", "STATUS"],
            consentPortals.map(({ consentPortalId, name, status }) => [consentPortalId, name, status])
          )
      }))
).pipe(Command.withDescription("Lists the id, the name and the status of each consent portal."))

const getPortal = Command.make(
  "get",
  { id, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.flatMap(
        identity.getConsentPortal({ consentPortalIdentifier: given.id }),
        (portal) => Output.value(given.json, operations.getConsentPortal.reply, portal)
      ), { names: portalNames })
).pipe(Command.withDescription("Shows a consent portal."))

const createPortal = fromFile(
  "create",
  "Creates a consent portal.",
  operations.createConsentPortal,
  (identity, request) => identity.createConsentPortal(request)
)

const updatePortal = fromFile(
  "update",
  "Updates the given members of a consent portal.",
  operations.updateConsentPortal,
  (identity, request) => identity.updateConsentPortal(request)
)

const removePortal = Command.make(
  "delete",
  { id, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.zipRight(
        identity.deleteConsentPortal({ consentPortalIdentifier: given.id }),
        Output.done(given.json, { id: given.id, outcome: "deleted" }, `deleted ${given.id}`)
      ), { names: portalNames })
).pipe(Command.withDescription("Deletes a consent portal."))

/** @internal */
export const vaultSubcommands = [getVault, setKey] as const

/** @internal */
export const portalSubcommands = [listPortals, getPortal, createPortal, updatePortal, removePortal] as const

/** @internal */
export const vault = Command.make("vault").pipe(
  Command.withDescription("Shows the token vault, and sets its key."),
  Command.withSubcommands(vaultSubcommands)
)

/** @internal */
export const portals = Command.make("portals").pipe(
  Command.withDescription("Manages consent portals."),
  Command.withSubcommands(portalSubcommands)
)
