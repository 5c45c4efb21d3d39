/** Consent portals. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Struct from "effect/Struct"
import type { operations } from "../../../ConsentPortal.js"
import type { IdentityApi } from "../../../IdentityApi.js"
import { Conflict, ServiceQuotaExceeded } from "../../../IdentityError.js"
import { portalArn, portalUrl } from "../state/arns.js"
import * as assumptions from "../state/assumptions.js"
import * as limits from "../state/limits.js"
import * as simulatedValues from "../state/simulatedValues.js"
import type { OperationName, State } from "../state/state.js"
import { find, result, type Store } from "../state/store.js"
import * as Table from "../state/table.js"
import { page } from "./paging.js"
import * as tags from "./tags.js"

const findPortal = (operation: OperationName, state: State, id: string) =>
  find(operation, "Consent portal", state.portals, id)

const ensureAvailable = (state: State, name: string): Either.Either<void, Conflict | ServiceQuotaExceeded> => {
  const operation = "CreateConsentPortal"
  if (Table.count(state.portals, "name", name) > 0) {
    return Either.left(new Conflict({ operation, message: `Consent portal '${name}' already exists` }))
  }
  const message = `The account has reached its limit of ${limits.portals} consent portals: delete one first`
  return Table.size(state.portals) < limits.portals
    ? Either.void
    : Either.left(new ServiceQuotaExceeded({ operation, message }))
}

/** @internal */
export const make = (store: Store): Pick<IdentityApi["Type"], keyof typeof operations> => ({
  createConsentPortal: Effect.fnUntraced(function*({ tags: given, ...request }) {
    const id = `${request.name}-${yield* simulatedValues.base62(10)}`
    return yield* store.decide((state, now) =>
      Either.gen(function*() {
        yield* ensureAvailable(state, request.name)
        const portal = {
          ...request,
          consentPortalId: id,
          consentPortalArn: portalArn(store.settings, id),
          portalUrl: portalUrl(store.settings, id),
          createdAt: now,
          updatedAt: now
        }
        return result({ ...portal, status: assumptions.portalStatus.create }, {
          ...state,
          portals: Table.set(state.portals, id, portal),
          tags: tags.set(state.tags, portal.consentPortalArn, given)
        })
      })
    )
  }),

  getConsentPortal: ({ consentPortalIdentifier: id }) =>
    store.read((state) =>
      Either.map(
        findPortal("GetConsentPortal", state, id),
        (portal) => ({ ...portal, status: assumptions.portalStatus.read })
      )
    ),

  updateConsentPortal: ({ consentPortalIdentifier: id, description, executionRoleArn, idpConfig }) =>
    store.decide((state, now) =>
      Either.map(findPortal("UpdateConsentPortal", state, id), (stored) => {
        const portal = {
          ...stored,
          executionRoleArn: executionRoleArn ?? stored.executionRoleArn,
          idpConfig: idpConfig ?? stored.idpConfig,
          description: description ?? stored.description,
          updatedAt: now
        }
        return result({ ...portal, status: assumptions.portalStatus.update }, {
          ...state,
          portals: Table.set(state.portals, id, portal)
        })
      })
    ),

  deleteConsentPortal: ({ consentPortalIdentifier: id }) =>
    store.decide((state) =>
      Either.map(findPortal("DeleteConsentPortal", state, id), ({ consentPortalArn }) =>
        result({}, {
          ...state,
          portals: Table.remove(state.portals, id),
          ...tags.forget(state, consentPortalArn)
        }))
    ),

  listConsentPortals: (request) =>
    store.read((state) =>
      Either.map(page("ListConsentPortals", request, 100, state.portals), ({ items, nextToken }) => ({
        consentPortals: items.map((portal) => ({
          ...Struct.omit(portal, "executionRoleArn", "idpConfig", "statusReason"),
          status: assumptions.portalStatus.read
        })),
        nextToken
      }))
    )
})
