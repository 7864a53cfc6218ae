/** Every text of the pages, in German. */

import { fieldName, partsOf } from "../audit.js";
import { format } from "../format.js";

/** @import { AuditEventView } from "../api-types.d.ts" */

/** @type {Record<string, string>} */
const roles = { owner: "Inhaber", admin: "Admin", user: "Nutzer" };

/** A role in a sentence. @param {string | null | undefined} role */
function nameOf(role) {
  return roles[role ?? ""] ?? role ?? "";
}

/** @type {typeof import("./en.js").words} */
export const words = {
  product: "Organisationseinstellungen",
  loading: "Wird geladen …",
  retry: "Erneut versuchen",
  cancel: "Abbrechen",
  dismiss: "Schließen",
  save: "Speichern",
  copy: "Kopieren",
  copied: "Kopiert",
  loadMore: "Mehr laden",
  skip: "Zum Inhalt springen",
  you: "Sie",
  on: "An",
  off: "Aus",
  actions: "Aktionen",
  actionsFor: (name) => `Aktionen für ${name}`,
  notFound: {
    title: "Seite nicht gefunden",
    text: "Prüfen Sie die Adresse, oder gehen Sie zur Startseite.",
    home: "Zur Startseite",
  },

  foot: {
    title: "Mehr",
    back: (product) => `Zurück zu ${product}`,
    help: "Hilfe",
    terms: "AGB",
    privacy: "Datenschutz",
  },

  errors: {
    unexpected: "Etwas ist schiefgegangen. Versuchen Sie es gleich noch einmal.",
    unreachable: "Der Server ist nicht erreichbar. Prüfen Sie Ihre Verbindung, und versuchen Sie es erneut.",
    lost: "Verbindung verloren. Sie wird wiederhergestellt …",
    part: "Dieser Teil der Seite kann nicht angezeigt werden.",
    page: "Diese Seite kann nicht angezeigt werden.",
    byCode: {
      owner_required: "Das können nur Inhaber. Wenden Sie sich an einen Inhaber.",
      owner_or_admin_required: "Das können nur Inhaber und Admins. Wenden Sie sich an einen von ihnen.",
      creator_required: "Nur der Ersteller kann die Organisation übergeben. Wenden Sie sich an ihn.",
      not_an_owner: "Der neue Ersteller muss Inhaber sein. Machen Sie dieses Mitglied zuerst zum Inhaber.",
      creator_protected: "Der Ersteller bleibt Inhaber, Mitglied und Empfänger der Rechnungs-E-Mails, bis er die Organisation übergibt.",
      invites_paused: "Die Einladungen dieser Organisation sind pausiert. Wenden Sie sich an den Support.",
      recipient_opted_out: "Diese Person hat Einladungen per E-Mail gestoppt. Über den Link in einer früheren Einladung kann sie diese wieder erlauben.",
      email_required: "Ihr Konto hat keine nutzbare E-Mail-Adresse. Hinterlegen Sie eine bei Ihrem Anmeldedienst, und melden Sie sich erneut an.",
      email_not_verified: "Ihre E-Mail-Adresse ist nicht bestätigt. Bestätigen Sie sie bei Ihrem Anmeldedienst, und melden Sie sich erneut an.",
      organization_not_found: "Diese Organisation gibt es nicht, oder Sie sind kein Mitglied. Bitten Sie um eine Einladung, wenn Sie Zugriff brauchen.",
      organization_suspended: "Diese Organisation ist gesperrt: Sie können alles sehen, aber nichts ändern oder nutzen. Wenden Sie sich an den Support.",
      member_not_found: "Dieses Mitglied gibt es nicht mehr. Laden Sie die Seite neu.",
      invite_not_found: "Diese Einladung gibt es nicht mehr, oder sie ging an eine andere Adresse. Laden Sie die Seite neu.",
      api_key_not_found: "Diesen API-Schlüssel gibt es nicht mehr. Laden Sie die Seite neu.",
      already_member: "Diese Mitgliedschaft besteht schon. Die Rolle bleibt, wie sie ist.",
      invite_outstanding: "An diese Adresse gibt es schon eine ausstehende Einladung. Senden Sie sie erneut, oder ziehen Sie sie zurück.",
      too_many_invites: "Die Organisation hat 100 ausstehende Einladungen. Ziehen Sie eine zurück, oder warten Sie auf Antworten.",
      too_many_organizations: "Sie haben so viele Organisationen erstellt, wie eine Person insgesamt erstellen kann. Wenden Sie sich an den Support.",
      organization_limit_reached: "Sie haben heute so viele Organisationen erstellt, wie eine Person an einem Tag erstellen kann. Versuchen Sie es morgen wieder.",
      too_many_api_keys: "Die Organisation hat 50 API-Schlüssel. Widerrufen Sie einen, den Sie nicht mehr brauchen.",
      invite_needs_resend: "Wer Sie eingeladen hat, darf diese Einladung nicht mehr senden. Bitten Sie einen Inhaber oder Admin, sie erneut zu senden.",
      api_key_expired: "Dieser API-Schlüssel ist abgelaufen. Geben Sie ihm zuerst ein späteres Ablaufdatum.",
      invite_expired: "Diese Einladung ist abgelaufen. Bitten Sie um eine neue.",
      invite_cancelled: "Diese Einladung wurde zurückgezogen. Bitten Sie um eine neue.",
      invite_accepted: "Diese Einladung wurde schon angenommen. Wenn Sie das waren, steht die Organisation auf Ihrer Kontoseite.",
      invite_declined: "Diese Einladung wurde abgelehnt. Bitten Sie um eine neue, wenn Sie es sich anders überlegt haben.",
      link_replaced: "Dieser Link wurde ersetzt. Nutzen Sie den Link in der neuesten E-Mail.",
      version_mismatch: "Jemand hat das inzwischen geändert. Sehen Sie sich den neuen Stand an, und versuchen Sie es erneut.",
      busy: "Gerade ändern auch andere diese Daten. Versuchen Sie es gleich noch einmal.",
      unavailable: "Der Dienst ist gerade nicht verfügbar. Versuchen Sie es gleich noch einmal.",
      internal_error: "Auf unserer Seite ist etwas schiefgegangen. Versuchen Sie es gleich noch einmal.",
    },
  },

  bar: {
    organizations: "Organisationen",
    switchTo: "Organisation wechseln",
    choose: "Organisation wählen",
    none: "Sie sind noch in keiner Organisation Mitglied.",
    search: "Organisationen suchen",
    noMatch: "Keine Organisation heißt so.",
    showAll: "Alle anzeigen",
    all: "Organisationen verwalten",
    account: (email) => `Kontomenü, ${email}`,
    settings: "Organisationseinstellungen",
    yourAccount: "Ihr Konto",
    signIn: "Anmelden",
    signOut: "Abmelden",
  },

  home: {
    title: "Ihr Team, API-Schlüssel und die Abrechnung an einem Ort",
    lead: "Eine Organisation verbindet Ihr Team, die API-Schlüssel, mit denen Sie Bilder erstellen, und den Tarif, den Sie bezahlen.",
    signIn: "Anmelden",
    open: "Einstellungen öffnen",
    account: "Ihr Konto",
    points: [
      ["Personen und Rollen", "Laden Sie Personen per E-Mail als Inhaber, Admin oder Nutzer ein. Eine Einladung gilt 14 Tage und nur für die eingeladene Person."],
      ["Schlüssel und Verbrauch", "Erstellen, erneuern und widerrufen Sie API-Schlüssel. Sehen Sie die Credits je Abrechnungszeitraum und Tag."],
      ["Vollständiges Protokoll", "Sehen Sie, wer wann was geändert hat."],
    ],
  },

  signIn: {
    working: "Sie werden angemeldet …",
    failed: "Die Anmeldung ist fehlgeschlagen",
    again: "Erneut anmelden",
    home: "Zur Startseite",
    typed: "Sie sind wieder angemeldet. Ihre ungespeicherten Änderungen sind noch da.",
  },

  roles,
  roleMeanings: {
    owner: "Voller Zugriff, auch auf die Abrechnung und das Löschen der Organisation",
    admin: "Verwaltet Mitglieder, Einladungen, API-Schlüssel und Abrechnung, aber keine Inhaber.",
    user: "Sieht Mitglieder, Tarif und Verbrauch, kann aber nichts ändern.",
  },

  settings: {
    title: "Organisationseinstellungen",
    sections: "Bereiche",
    general: "Allgemein",
    members: "Mitglieder",
    invites: "Einladungen",
    usage: "Tarif und Verbrauch",
    keys: "API-Schlüssel",
    billing: "Rechnungsdaten",
    log: "Protokoll",
    danger: "Gefahrenbereich",
    onlyManagersTitle: "Das sehen nur Inhaber und Admins",
    onlyManagers: "Fragen Sie einen Inhaber oder Admin dieser Organisation, wenn Sie etwas von hier brauchen.",
    suspendedTitle: "Diese Organisation ist gesperrt",
    suspended: (reason, since) => `Seit dem ${since}: ${/[.!?]$/.test(reason) ? reason : `${reason}.`} Sie können alles sehen, aber nichts ändern oder nutzen. Wenden Sie sich an den Support.`,
    noneTitle: "Sie sind noch in keiner Organisation Mitglied",
    noneText: "Erstellen Sie eine Organisation, oder nehmen Sie auf Ihrer Kontoseite eine Einladung an.",
    goneTitle: "Sie haben keinen Zugriff auf diese Organisation",
    toAccount: "Zu Ihrem Konto",
  },

  checklist: {
    title: "Erste Schritte",
    done: (done, all) => `${format.number(done)} von ${format.number(all)} erledigt`,
    isDone: "Erledigt",
    dismiss: "„Erste Schritte“ schließen",
    invite: "Laden Sie Ihr Team ein",
    key: "Erstellen Sie einen API-Schlüssel",
    use: "Nutzen Sie Ihre ersten Credits",
  },

  general: {
    text: "Name und Angaben",
    name: "Name",
    rename: "Umbenennen",
    newName: "Name der Organisation",
    renamed: (name) => `Die Organisation heißt jetzt ${name}`,
    renamedMeanwhile: (name) => `Jemand hat die Organisation gerade in „${name}“ umbenannt. Wenn Sie speichern, überschreiben Sie das.`,
    id: "Organisations-ID",
    copyId: "Organisations-ID kopieren",
    created: "Erstellt",
    yourRole: "Ihre Rolle",
    yourEmail: "Ihre E-Mail-Adresse",
    emailInUse: (email) => `Ein anderes Mitglied hat die Adresse ${email} Ihrer Anmeldung. Deshalb bleibt es hier bei dieser Adresse.`,
  },

  danger: {
    close: "Schließen",
    handOver: "Organisation übergeben",
    handOverText: "Ein anderer Inhaber wird zum Ersteller. Der Ersteller bleibt immer Inhaber und kann nicht entfernt werden.",
    handOverTitle: "Organisation an einen neuen Ersteller übergeben?",
    handOverWarning: (organization) => `Sie bleiben Inhaber von ${organization}, und andere Inhaber können Sie dann entfernen. Nur der neue Ersteller kann sie zurückgeben.`,
    newCreator: "Neuer Ersteller",
    noOwner: "Nur ein anderer Inhaber kann der Ersteller sein. Machen Sie zuerst ein Mitglied zum Inhaber.",
    handedOver: (name) => `${name} ist jetzt der Ersteller.`,
    delete: "Organisation löschen",
    deleteText: "Niemand sieht sie mehr, und ihre API-Schlüssel funktionieren nicht mehr. Sie können sie 30 Tage lang wiederherstellen.",
    deleteTitle: (name) => `${name} löschen?`,
    deleteWarning: "Alle Mitglieder verlieren den Zugriff, API-Schlüssel gelten nach spätestens 30 Sekunden nicht mehr, und ausstehende Einladungen enden. Inhaber und Empfänger von Rechnungs-E-Mails werden benachrichtigt. Nach 30 Tagen ist alles endgültig weg.",
    typeName: (name) => `Geben Sie zur Bestätigung „${name}“ ein`,
    typeFirst: "Geben Sie zuerst den Namen der Organisation ein",
    deletedTitle: (name) => `${name} ist gelöscht`,
    deletedText: (day) => `Sie können sie bis zum ${day} wiederherstellen, auf dieser Seite oder über den Support.`,
    restore: "Wiederherstellen",
    restored: (name) => `${name} ist wiederhergestellt.`,
  },

  members: {
    text: "Personen mit Zugriff auf diese Organisation",
    search: "Mitglieder suchen",
    placeholder: "Name oder E-Mail",
    searching: "Wird gesucht …",
    found: (count) => format.count(count, { one: "# Mitglied gefunden", other: "# Mitglieder gefunden" }),
    nobody: "Kein Mitglied passt zu Ihrer Suche",
    filter: "Nach Rolle filtern",
    filters: { all: "Alle", owner: "Inhaber", admin: "Admins", user: "Nutzer" },
    onlyReads: "Nur Inhaber und Admins können etwas ändern.",
    copyEmail: "E-Mail-Adresse kopieren",
    emailCopied: "E-Mail-Adresse kopiert",
    person: "Mitglied",
    role: "Rolle",
    billing: "Rechnungs-E-Mails",
    joined: "Beigetreten",
    joinedOn: (day) => `Beigetreten am ${day}`,
    creator: "Ersteller",
    creatorHint: "Der Ersteller bleibt Inhaber, bis er die Organisation übergibt.",
    roleOf: (name) => `Rolle von ${name}`,
    billingOf: (name) => `Rechnungs-E-Mails für ${name}`,
    remove: (name) => `${name} entfernen`,
    leave: "Organisation verlassen",
    removeTitle: (name) => `${name} entfernen?`,
    removeText: (name, organization) => `${name} verliert sofort den Zugriff auf ${organization} und braucht für die Rückkehr eine neue Einladung.`,
    leaveTitle: "Diese Organisation verlassen?",
    leaveText: (organization) => `Sie verlieren sofort den Zugriff auf ${organization} und brauchen für die Rückkehr eine neue Einladung.`,
    keysStay: (name) => `${name} hat diese API-Schlüssel erstellt. Sie gelten weiter. Erneuern Sie jeden, den ${name} noch haben könnte:`,
    keysStayYours: "API-Schlüssel, die Sie erstellt haben, gelten weiter:",
    invitesStop: (count, name) =>
      format.count(count, {
        one: `# ausstehende Einladung von ${name} gilt dann nicht mehr:`,
        other: `# ausstehende Einladungen von ${name} gelten dann nicht mehr:`,
      }),
    resendThem: "In meinem Namen erneut senden",
    removed: (name) => `${name} wurde entfernt.`,
    rotate: (keys) => `Erneuern Sie am besten die API-Schlüssel dieser Person: ${format.list(keys)}.`,
    roleChanged: (name, role) => `${name} ist jetzt ${nameOf(role)}.`,
    billingChanged: (name, on) => `${name} erhält ${on ? "jetzt" : "keine"} Rechnungs-E-Mails${on ? "" : " mehr"}.`,
    stopped: (reason, since) =>
      ({
        no_mailbox: `Rechnungs-E-Mails sind seit ${since} gestoppt: Das Postfach gibt es nicht, oder es nimmt keine E-Mails an.`,
        suppressed: `Rechnungs-E-Mails sind seit ${since} gestoppt: Frühere E-Mails an diese Adresse waren unzustellbar.`,
        complaint: `Rechnungs-E-Mails sind seit ${since} gestoppt: Eine wurde als Spam gemeldet.`,
      })[reason] ?? `Rechnungs-E-Mails sind seit ${since} gestoppt.`,
    resume: "Wieder senden",
    resumeFor: (name) => `Wieder senden: Rechnungs-E-Mails an ${name}`,
    yourPowerTitle: "Ihre eigene Rolle ändern?",
    yourPowerText: (role) => `Als ${nameOf(role)} haben Sie weniger Rechte und können das nicht selbst rückgängig machen.`,
    changeRole: "Rolle ändern",
    makeOwner: "Zum Inhaber machen",
    ownerTitle: (name) => `${name} zum Inhaber machen?`,
    ownerText: (name) => `${name} kann dann alles, was Sie können: Rollen ändern, andere Inhaber entfernen und die Organisation löschen.`,
    demoteTitle: (name, role) => `${name} vom Inhaber zum ${nameOf(role)} machen?`,
    demoteText: (name) => `${name} kann dann keine Inhaber mehr verwalten und die Organisation weder umbenennen noch löschen.`,
  },

  invites: {
    text: "Ausstehende Einladungen. Sie gelten 14 Tage.",
    none: "Keine ausstehenden Einladungen",
    noneFailed: "Alle ausstehenden Einladungen wurden gesendet",
    noneEnded: "In den letzten 30 Tagen endete keine Einladung",
    filter: "Einladungen filtern",
    filters: { pending: "Ausstehend", failed: "Nicht zugestellt", ended: "Beendet" },
    used: (used, most) => `${format.number(used)} von ${format.number(most)} ausstehenden Einladungen`,
    ended: { expired: "Abgelaufen", declined: "Abgelehnt", cancelled: "Zurückgezogen" },
    again: "Erneut einladen",
    againTo: (email) => `Erneut einladen: ${email}`,
    invitedAgain: (email) => `${email} wurde erneut eingeladen.`,
    onlyOwners: "Nur Inhaber können Inhaber einladen",
    pausedTitle: "Einladungen sind pausiert",
    paused: (reason, since) =>
      reason === "complaints"
        ? `Seit dem ${since}, weil jemand eine Einladung als Spam gemeldet hat. Wenden Sie sich an den Support.`
        : `Seit dem ${since}, weil zu viele Einladungen unzustellbar waren. Wenden Sie sich an den Support.`,
    person: "Einladung",
    sent: "E-Mail",
    expires: "Gültig bis",
    roleOf: (email) => `Rolle der Einladung an ${email}`,
    billingOf: (email) => `Rechnungs-E-Mails für die Einladung an ${email}`,
    by: (name) => (name === null ? "Eingeladen vom Produkt" : `Eingeladen von ${name}`),
    expiresIn: (when) => `Läuft ${when} ab`,
    resend: "Einladung erneut senden",
    resendHint: "Sendet einen neuen Link, der 14 Tage gilt",
    resending: "Sie wird gerade gesendet",
    cancel: "Einladung zurückziehen",
    cancelTitle: (email) => `Die Einladung an ${email} zurückziehen?`,
    cancelText: "Der Link in der E-Mail gilt dann nicht mehr. Sie können diese Person später erneut einladen.",
    keep: "Einladung behalten",
    cancelled: (email) => `Die Einladung an ${email} wurde zurückgezogen.`,
    resent: (email) => `Die Einladung an ${email} wurde erneut gesendet. Der bisherige Link gilt nicht mehr.`,
    changed: (email) => `Die Einladung an ${email} wurde geändert.`,
    delivery: {
      queued: "Wird gesendet",
      sent: "Gesendet",
      failed: "Fehlgeschlagen",
      delivered: "Zugestellt",
      bounced: "Unzustellbar",
      complained: "Als Spam gemeldet",
    },
    needsResend: "Erneut zu senden",
    needsResendHint: (name) => `${name} darf diese Einladung nicht mehr senden. Deshalb kann sie nicht angenommen werden. Senden Sie sie in Ihrem Namen erneut.`,
    timesSent: (times) => format.count(times, { one: "Einmal gesendet", other: "#-mal gesendet" }),
  },

  inviteForm: {
    title: "Personen einladen",
    titleFor: (organization) => `Personen zu ${organization} einladen`,
    emails: "E-Mail-Adressen",
    email: "E-Mail-Adresse",
    hint: "Trennen Sie Adressen durch Kommas oder Leerzeichen. Sie können eine Liste einfügen, auch mit Namen.",
    chosen: "Adressen, die eingeladen werden",
    remove: (email) => `${email} entfernen`,
    noAddress: "Keine E-Mail-Adresse",
    billing: "Rechnungs-E-Mails an diese Personen senden",
    send: (count) => (count > 1 ? format.count(count, { one: "# Einladung senden", other: "# Einladungen senden" }) : "Einladung senden"),
    sending: (done, all) => `Wird gesendet: ${format.number(done)} von ${format.number(all)} …`,
    empty: "Geben Sie mindestens eine E-Mail-Adresse ein.",
    refused: {
      already_member: "Schon Mitglied",
      invite_outstanding: "Schon eingeladen. Senden Sie die Einladung erneut, oder ziehen Sie sie zurück.",
    },
    results: "Adressen, die nicht eingeladen wurden",
    invitedCount: (count) => format.count(count, { one: "# Einladung gesendet", other: "# Einladungen gesendet" }),
    failedCount: (count) => format.count(count, { one: "# Einladung nicht gesendet", other: "# Einladungen nicht gesendet" }),
  },

  usage: {
    text: "Ihr Tarif und Ihr Verbrauch in diesem Abrechnungszeitraum",
    plan: "Tarif",
    period: "Aktueller Zeitraum",
    monthly: (credits) => `${format.number(credits)} Credits im Monat`,
    next: (plan, from) => `Wechselt am ${from} zu ${plan}`,
    span: (start, end) => `${start} – ${end}`,
    resets: (day) => `Neue Credits ab ${day}`,
    credits: "Bild-Credits",
    used: (used, allowed) => `${format.number(used)} von ${format.number(allowed)} verbraucht`,
    left: (left) => `${format.number(left)} übrig`,
    exhausted: "Sie haben alle Credits verbraucht. Die Bilderstellung pausiert bis zum nächsten Zeitraum oder bis Sie in einen größeren Tarif wechseln.",
    days: "Credits pro Tag",
    lastDays: "Letzte 60 Tage (UTC)",
    summary: (total, most, day) => `${format.number(total)} Credits in den letzten 60 Tagen. Die meisten am ${day} (${format.number(most)}).`,
    nothing: "Kein Verbrauch in den letzten 60 Tagen",
    asTable: "Als Tabelle anzeigen",
    asChart: "Als Diagramm anzeigen",
    date: "Datum",
    amount: "Credits",
    changePlan: "Tarif ändern",
  },

  keys: {
    text: "Schlüssel, mit denen Ihre Apps Bilder erstellen",
    none: "Noch keine API-Schlüssel",
    noneText: "Erstellen Sie für jede App einen eigenen Schlüssel, damit Sie ihn unabhängig erneuern können.",
    create: "API-Schlüssel erstellen",
    name: "Name",
    nameHint: "Zum Beispiel „Website“ oder „Berichte“",
    expiry: "Ablauf",
    expiryNever: "Nie",
    expiryDays: (days) => format.count(days, { one: "# Tag", other: "# Tage" }),
    used: (when) => `Zuletzt ${when} genutzt`,
    usedNow: "In den letzten 2 Stunden genutzt",
    unused: "Nie genutzt",
    by: (name, when) => (name === null ? `Erstellt vom Produkt am ${when}` : `Erstellt von ${name} am ${when}`),
    expires: (when) => `Läuft ${when} ab`,
    expired: (when) => `Ist ${when} abgelaufen`,
    grace: (until) => `Der bisherige Schlüsselwert gilt bis zum ${until}`,
    count: (count, most) => `${format.number(count)} von ${format.number(most)}`,
    edit: "Bearbeiten",
    rotate: "Erneuern",
    rotateHint: "Erstellt einen neuen Schlüsselwert",
    revoke: "Widerrufen",
    editTitle: (name) => `„${name}“ bearbeiten`,
    rotateTitle: (name) => `„${name}“ erneuern?`,
    rotateText: "Das erstellt einen neuen Schlüsselwert. Der bisherige gilt noch so lange, wie Sie wählen, damit Sie Ihre Apps umstellen können.",
    graceLabel: "Der bisherige Schlüsselwert gilt noch",
    graces: [
      [0, "Nicht mehr, sofort widerrufen"],
      [3600, "1 Stunde"],
      [86400, "1 Tag"],
      [604800, "7 Tage"],
    ],
    revokeTitle: (name) => `„${name}“ widerrufen?`,
    revokeText: "Apps mit diesem Schlüssel funktionieren nach spätestens 30 Sekunden nicht mehr. Das lässt sich nicht rückgängig machen.",
    revoked: (name) => `Der API-Schlüssel „${name}“ wurde widerrufen.`,
    changed: (name) => `Der API-Schlüssel „${name}“ wurde geändert.`,
    secretTitle: "Speichern Sie Ihren API-Schlüssel",
    secretText: "Er wird nicht noch einmal angezeigt. Wer diesen Schlüssel hat, kann Ihre Credits nutzen.",
    secret: "Schlüsselwert",
    copySecret: "Schlüsselwert kopieren",
    stored: "Fertig",
  },

  billing: {
    text: "Stehen auf Ihren Rechnungen. Das sehen nur Inhaber und Admins.",
    company: "Firmenname",
    taxId: "Umsatzsteuer-ID",
    address: "Rechnungsanschrift",
    saved: "Rechnungsdaten gespeichert",
    planTitle: "Tarif ändern",
    planText: "Ein größerer Tarif gilt sofort. Ein kleinerer beginnt am besten mit dem nächsten Abrechnungszeitraum.",
    current: "Aktueller Tarif",
    when: "Wechsel",
    now: "Sofort",
    stopsNow: (used, plan, credits, until) =>
      `Sie haben ${format.number(used)} Credits verbraucht. Mit ${plan} (${format.number(credits)}) pausiert die Bilderstellung sofort bis zum ${until}.`,
    nothingChanged: "Es gibt keine Änderungen",
    periodEnd: "Am Ende dieses Abrechnungszeitraums",
    choose: "Tarif ändern",
    planChanged: (plan) => `Ihr Tarif ist jetzt ${plan}.`,
    planStays: (plan) => `Ihr Tarif bleibt ${plan}.`,
    planFollows: (plan, from) => `Ihr Tarif wechselt am ${from} zu ${plan}.`,
  },

  log: {
    text: "Änderungen an dieser Organisation, die neuesten zuerst",
    none: "Noch keine Aktivität",
    noneFound: "Keine Aktivität passt zu diesen Filtern",
    filter: "Protokoll filtern",
    kind: "Aktivität",
    kinds: [
      ["", "Alle Aktivitäten"],
      ["member", "Mitglieder"],
      ["invite", "Einladungen"],
      ["api_key", "API-Schlüssel"],
      ["billing", "Abrechnung"],
      ["usage", "Verbrauch"],
      ["organization", "Organisation"],
    ],
    person: "Person",
    everyone: "Alle",
    time: "Zeitraum",
    times: [
      ["", "Gesamter Zeitraum"],
      ["1", "Letzte 24 Stunden"],
      ["7", "Letzte 7 Tage"],
      ["30", "Letzte 30 Tage"],
      ["90", "Letzte 90 Tage"],
    ],
    export: "Als CSV exportieren",
    formerMember: "ein ehemaliges Mitglied",
    formerInvitee: "eine frühere Adresse",
    linkHolder: "Jemand mit dem Link",
    server: "Das Produkt",
    system: "Das System",
  },

  welcome: {
    joined: (organization, role) => `Sie sind ${organization} als ${nameOf(role)} beigetreten.`,
    created: (organization) => `${organization} ist bereit. Laden Sie jetzt Ihr Team ein.`,
  },

  account: {
    title: "Ihr Konto",
    text: "Wird von Ihrem Anmeldedienst verwaltet",
    email: "E-Mail",
    noEmail: "Dieses Konto hat keine E-Mail-Adresse",
    unverified: "Nicht bestätigt",
    id: "Nutzer-ID",
    copyId: "Nutzer-ID kopieren",
    organizations: "Organisationen",
    organizationsText: "Organisationen, in denen Sie Mitglied sind",
    none: "Sie sind noch in keiner Organisation Mitglied.",
    noneText: "Erstellen Sie unten eine, oder bitten Sie einen Admin um eine Einladung.",
    current: "Aktuell",
    open: "Öffnen",
    openOf: (name) => `${name} öffnen`,
    makeCurrent: "Wechseln",
    makeCurrentOf: (name) => `Zu ${name} wechseln`,
    switched: (name) => `Zu ${name} gewechselt.`,
    leave: "Verlassen",
    leaveOf: (name) => `${name} verlassen`,
    left: (name) => `Sie haben ${name} verlassen.`,
    create: "Organisation erstellen",
    createTitle: "Eine Organisation erstellen",
    createText: "Sie werden ihr Ersteller und sind Inhaber, bis Sie sie übergeben.",
    newName: "Name der Organisation",
    invites: "Einladungen",
    invitesText: "Einladungen an Sie",
    noInvites: "Keine ausstehenden Einladungen",
    invitedBy: (inviter, role) => (inviter === null ? `Sie sind als ${nameOf(role)} eingeladen` : `${inviter} lädt Sie als ${nameOf(role)} ein`),
    withBilling: "mit Rechnungs-E-Mails",
    accept: "Annehmen",
    decline: "Ablehnen",
    acceptOf: (name) => `Die Einladung zu ${name} annehmen`,
    declineOf: (name) => `Die Einladung zu ${name} ablehnen`,
    declineTitle: (name) => `Die Einladung zu ${name} ablehnen?`,
    declineText: "Um später beizutreten, brauchen Sie eine neue Einladung.",
    accepted: (name) => `Sie sind ${name} beigetreten.`,
    declined: (name) => `Die Einladung zu ${name} wurde abgelehnt.`,
  },

  optOut: {
    title: {
      asks: "Einladungen per E-Mail stoppen?",
      stopped: "Einladungen per E-Mail sind gestoppt",
      allowed: "Einladungen per E-Mail sind erlaubt",
      unknown: "Ungültiger Link",
    },
    text: {
      asks: "Danach kann Ihnen keine Organisation hier mehr eine Einladung per E-Mail senden. Diese E-Mail wird als unerwünscht gemeldet.",
      stopped: "Die E-Mail ist gemeldet. Sie können es sich hier jederzeit anders überlegen.",
      allowed: "Organisationen können Ihre Adresse wieder einladen.",
      unknown: "Der Link ist vielleicht unvollständig. Öffnen Sie ihn noch einmal aus Ihrer E-Mail.",
    },
    action: "Melden und Einladungen stoppen",
    allow: "Einladungen erlauben",
  },
  invite: {
    join: (organization) => `${organization} beitreten`,
    lead: (inviter) => (inviter === null ? "Sie sind eingeladen." : `${inviter} lädt Sie ein.`),
    to: "Eingeladene Adresse",
    role: "Rolle",
    billing: "Rechnungs-E-Mails",
    billingYes: "Ja",
    billingNo: "Nein",
    until: "Gültig bis",
    signIn: "Zum Annehmen anmelden",
    signInHint: "Melden Sie sich mit der Adresse an, an die diese Einladung ging.",
    signedInAs: (email) => `Sie sind als ${email} angemeldet.`,
    accept: "Einladung annehmen",
    decline: "Ablehnen",
    declineTitle: "Diese Einladung ablehnen?",
    declineText: "Dieser Link gilt dann nicht mehr. Um später beizutreten, brauchen Sie eine neue Einladung.",
    keep: "Zurück",
    other: "Konto wechseln",
    toAccount: "Zu Ihrem Konto",
    home: "Zur Startseite",
    wrongTitle: "Falsches Konto",
    wrong: (mine, theirs) => `Sie sind als ${mine} angemeldet, aber diese Einladung ist für ${theirs}.`,
    unverifiedTitle: "Bestätigen Sie zuerst Ihre E-Mail-Adresse",
    unverified: (email) => `${email} ist noch nicht bestätigt. Bestätigen Sie die Adresse bei Ihrem Anmeldedienst, und melden Sie sich erneut an.`,
    again: "Erneut anmelden",
    declinedTitle: "Einladung abgelehnt",
    declined: "Sie können diese Seite schließen.",
    lostTitle: "Öffnen Sie den Link in Ihrer E-Mail noch einmal",
    lost: "Diese Seite ist abgelaufen.",
    ended: {
      invite_expired: ["Diese Einladung ist abgelaufen", "Einladungen gelten 14 Tage. Bitten Sie um eine neue."],
      invite_cancelled: ["Diese Einladung wurde zurückgezogen", "Der Absender hat sie zurückgezogen. Fragen Sie nach, wenn Sie das für einen Irrtum halten."],
      invite_accepted: ["Diese Einladung wurde schon genutzt", "Wenn Sie das waren, steht die Organisation auf Ihrer Kontoseite."],
      invite_declined: ["Diese Einladung wurde abgelehnt", "Bitten Sie um eine neue, wenn Sie es sich anders überlegt haben."],
      link_replaced: ["Dieser Link ist veraltet", "Nutzen Sie den Link in der neuesten E-Mail."],
      invite_not_found: ["Ungültiger Link", "Der Link ist vielleicht unvollständig oder zu alt. Öffnen Sie ihn noch einmal aus Ihrer E-Mail."],
    },
    needsResend: "Diese Einladung muss erneut gesendet werden",
    memberTitle: "Sie sind schon Mitglied",
  },
};

/** @type {Record<string, string>} */
const fields = {
  company_name: "Firmenname",
  tax_id: "Umsatzsteuer-ID",
  invoice_address: "Rechnungsanschrift",
  metadata: "Metadaten",
  private_metadata: "interne Metadaten",
  external_id: "externe ID",
};

/**
 * One line of the audit log as a sentence: its parts, of which names are marked.
 *
 * @param {AuditEventView} event
 * @returns {(string | { name: string, email?: string | null })[]}
 */
export function told(event) {
  const { actor, subject, own, change, role, name, billing } = partsOf(event, words.log);
  const asRole = role?.to ? ` als ${nameOf(role.to)}` : "";
  const fromTo = (/** @type {{ from?: string | null, to?: string | null } | undefined} */ change) => {
    if (!change) return "";
    return `${change.from ? ` von ${nameOf(change.from)}` : ""}${change.to ? ` zu ${nameOf(change.to)}` : ""}`;
  };
  const changed = format.list(event.changes.map((change) => fields[change.field] ?? fieldName(change.field)));
  switch (event.kind) {
    case "organization.created":
      return [actor, " hat die Organisation ", subject, " erstellt"];
    case "organization.updated":
      if (name) {
        return [actor, " hat die Organisation von ", { name: name.from ?? "" }, " in ", { name: name.to ?? "" }, " umbenannt"];
      }
      return [actor, ` hat die Organisation geändert: ${changed}`];
    case "organization.invites_paused":
      return ["Die Einladungen der Organisation wurden ", change("reason")?.to === "complaints" ? "nach einer Beschwerde" : "wegen unzustellbarer E-Mails", " pausiert"];
    case "organization.invites_resumed":
      return [actor, " hat die Pause der Einladungen aufgehoben"];
    case "organization.creator_changed":
      return [actor, " hat einen anderen Inhaber zum Ersteller gemacht"];
    case "organization.suspended":
      return [actor, " hat die Organisation gesperrt: ", { name: change("reason")?.to ?? "" }];
    case "organization.unsuspended":
      return [actor, " hat die Sperre der Organisation aufgehoben"];
    case "organization.deleted":
      return [actor, " hat die Organisation gelöscht"];
    case "organization.restored":
      return [actor, " hat die Organisation wiederhergestellt"];
    case "member.added":
      return own ? [actor, ` ist${asRole} beigetreten`] : [actor, " hat ", subject, `${asRole} hinzugefügt`];
    case "member.removed":
      return own ? [actor, " hat die Organisation verlassen"] : [actor, " hat ", subject, " entfernt"];
    case "member.role_changed":
      return own ? [actor, ` hat die eigene Rolle${fromTo(role)} geändert`] : [actor, " hat für ", subject, ` die Rolle${fromTo(role)} geändert`];
    case "member.billing_emails_changed": {
      if (!billing) {
        return [actor, " hat die Rechnungs-E-Mails an ", subject, " wieder aufgenommen"];
      }
      const switched = billing.to === "true" ? "eingeschaltet" : "ausgeschaltet";
      return own ? [actor, ` hat die eigenen Rechnungs-E-Mails ${switched}`] : [actor, " hat Rechnungs-E-Mails für ", subject, ` ${switched}`];
    }
    case "member.billing_email_bounced":
      return ["Eine Rechnungs-E-Mail an ", subject, change("billing_emails_stopped") ? " war unzustellbar, deshalb werden keine mehr gesendet" : " war unzustellbar"];
    case "member.billing_email_complained":
      return [subject, " hat eine Rechnungs-E-Mail als Spam gemeldet", change("billing_emails_stopped") ? ", deshalb werden keine mehr gesendet" : ""];
    case "member.email_changed":
      return [subject, " hat eine neue E-Mail-Adresse"];
    case "member.name_changed":
      return [subject, " hat einen neuen Namen"];
    case "invite.created":
      return [actor, " hat ", subject, `${asRole} eingeladen`];
    case "invite.updated": {
      const news = [role ? `Rolle${fromTo(role)}` : "", billing ? `Rechnungs-E-Mails ${billing.to === "true" ? "eingeschaltet" : "ausgeschaltet"}` : ""];
      const known = news.filter((one) => one !== "").join(", ");
      return [actor, " hat die Einladung an ", subject, " geändert", known === "" ? "" : `: ${known}`];
    }
    case "invite.resent":
      return [actor, " hat die Einladung an ", subject, " erneut gesendet"];
    case "invite.accepted":
      return [actor, " hat die Einladung an ", subject, " angenommen"];
    case "invite.declined":
      return [actor, " hat die Einladung an ", subject, " abgelehnt"];
    case "invite.cancelled":
      return [actor, " hat die Einladung an ", subject, " zurückgezogen"];
    case "invite.expired":
      return ["Die Einladung an ", subject, " ist abgelaufen"];
    case "invite.email_bounced":
      return ["Die E-Mail mit der Einladung an ", subject, " war unzustellbar"];
    case "invite.email_complained":
      return ["Die E-Mail mit der Einladung an ", subject, " wurde als Spam gemeldet"];
    case "api_key.created":
      return [actor, " hat den API-Schlüssel ", subject, " erstellt"];
    case "api_key.updated":
      return [actor, " hat den API-Schlüssel ", subject, ...(name ? [" (früher ", { name: name.from ?? "" }, ")"] : []), " geändert"];
    case "api_key.rotated":
      return [actor, " hat den API-Schlüssel ", subject, " erneuert"];
    case "api_key.revoked":
      return [actor, " hat den API-Schlüssel ", subject, " widerrufen"];
    case "billing.plan_changed":
      return [actor, ` hat den Tarif${fromTo(change("plan"))} geändert`];
    case "billing.plan_change_scheduled": {
      const from = change("from")?.to;
      return [actor, ` hat einen Tarifwechsel${fromTo(change("plan"))}${from ? ` zum ${format.dayInUtc(from)}` : ""} geplant`];
    }
    case "billing.plan_change_cancelled":
      return [actor, " hat den geplanten Tarifwechsel zurückgenommen"];
    case "billing.details_updated":
      return [actor, ` hat die Rechnungsdaten geändert: ${changed}`];
    case "billing.invoice_issued":
      return ["Die Rechnung ", subject, ` über ${change("amount")?.to ?? ""} wurde ausgestellt`];
    case "billing.payment_failed":
      return ["Die Zahlung der Rechnung ", subject, " ist fehlgeschlagen"];
    case "billing.payment_succeeded":
      return ["Die Rechnung ", subject, " wurde bezahlt"];
    case "usage.threshold_reached":
      return [`${format.percent(Number(change("percent")?.to ?? 0) / 100)} der Credits des Abrechnungszeitraums wurden verbraucht`];
    default:
      return [actor, ": ", fieldName(event.kind), " ", subject];
  }
}
