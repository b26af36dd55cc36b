"""The API's operations, parameters and answers in Danish, for people; the OpenAPI document itself is in English."""

from __future__ import annotations

from collections.abc import Mapping

from foundation.language import Text, same

#: What the operations are about, by the tag of the document.
ROOMS: Mapping[str, str] = {
    "api_registers": "Registrene: hvem der er, og hvad der forbinder dem",
    "api_fee_tables": "Hvad det koster, beslutning for beslutning",
    "api_plans": "Året: hvad der ville blive faktureret, og udstedelse af det, der er godkendt",
    "api_invoices": "Fakturaer, kreditnotaer og deres dokumenter",
    "api_audit_entries": "Revisionssporet",
    "api_letters": "Breve, der sendes som mail",
    "api_bank": "Kontoudtog og deres transaktioner",
    "api_reminders": "Rykkere for forfaldne fakturaer og deres dokumenter",
    "api_holds": "Indsigelser og løfter, som holder en fakturas rykkere tilbage",
    "api_reminder_settings": "Rykkervilkårene og referencesatserne",
    "api_withdrawals": "Medlemmer, der skylder kontingent trods rykker",
    "api_deliveries": "Hvordan fakturaer og kreditnotaer bliver afleveret",
    "api_payments": "Betalinger, der venter, placering, og myndighedernes konti",
    "api_funding_reports": "Fondenes rapporter, som tallene er nu",
    "api_forecasts": "Hvad en fond ventes at få, og hvem der er på vej",
    "api_journeys": "Rejser mod en tilslutning, trin for trin",
    "api_questions": "Spørgsmål på vejen, fra spørgsmål til svar",
    "api_costs": "Fondenes omkostninger",
    "api_budgets": "Fondenes budgetter, version for version",
    "api_fund_acts": "Timer, faste omkostninger og overførsler mellem fondene",
    "api_accounts": "Regnskabet: perioder, konti og posteringer",
    "api_published_reports": "Økonomirapporter, som de er offentliggjort for koordinationsgrupperne",
    "api_me": "En selv",
    "api_root": "Hvor man begynder",
}

_TAKEN = "Læs rækker ind i registret over {}: dem alle, eller ingen, og hver forkert række nævnes."

#: What each operation does, by method and address.
OPERATIONS: Mapping[str, str] = {
    "GET /api/v1/authorities": "Hent myndighederne.",
    "GET /api/v1/authorities/{cvr}": "Hent én myndighed.",
    "GET /api/v1/population": "Hent indbyggertal efter myndighed og år.",
    "GET /api/v1/placements": "Hent indplaceringerne.",
    "GET /api/v1/memberships": "Hent medlemskaberne af foreningen.",
    "GET /api/v1/products": "Hent produkterne.",
    "GET /api/v1/products/{name}": "Hent ét produkt.",
    "GET /api/v1/agreements": "Hent tilslutningsaftalerne.",
    "GET /api/v1/agreements/{id_}": "Hent én tilslutningsaftale.",
    "POST /api/v1/authorities/imports": _TAKEN.format("myndigheder"),
    "POST /api/v1/population/imports": _TAKEN.format("indbyggertal"),
    "POST /api/v1/placements/imports": _TAKEN.format("indplaceringer"),
    "POST /api/v1/products/imports": _TAKEN.format("produkter"),
    "POST /api/v1/memberships/imports": _TAKEN.format("medlemskaber"),
    "POST /api/v1/agreements/imports": _TAKEN.format("tilslutningsaftaler"),
    "GET /api/v1/fee-tables": "Hent de vedtagne beslutninger.",
    "GET /api/v1/fee-tables/{id_}": "Hent én vedtaget beslutning med dens tekst.",
    "POST /api/v1/fee-tables/checks": "Læs en tekst, og hold den op mod det vedtagne; intet gemmes.",
    "GET /api/v1/fee-tables/proposals": "Hent de takster, der venter på en anden person.",
    "POST /api/v1/fee-tables/proposals": "Foreslå takster; en anden person vedtager dem.",
    "GET /api/v1/plans/{year}": "Læg planen for et år: summer, problemer og kontrolsummen, som dens ETag begynder med."
                                " Intet skrives.",
    "GET /api/v1/plans/{year}/invoices": "Hent de nye fakturaer i en plan; en cursor gælder, så længe planen er den"
                                         " samme.",
    "POST /api/v1/plans/{year}/hand-overs": "Overdrag planen med den kontrolsum; en anden person godkender den.",
    "POST /api/v1/plans/{year}/runs": "Begynd at udstede det godkendte, med dokumenter og validering; kørslen viser,"
                                      " hvor langt den er.",
    "GET /api/v1/runs/{id_}": "Se, hvordan en kørsel står, og hvor langt dens år er.",
    "GET /api/v1/invoices": "Hent de udstedte fakturaer.",
    "GET /api/v1/credit-notes": "Hent de udstedte kreditnotaer.",
    "GET /api/v1/credit-notes/proposals": "Hent de kreditnotaer, der venter på en anden person.",
    "POST /api/v1/credit-notes": "Kreditér en faktura: straks, hvor indstillingerne lader én person gøre det, ellers"
                                 " når en anden har godkendt det.",
    "GET /api/v1/invoices/{number}": "Hent en faktura eller kreditnota med dens linjer og begrundelsen for hver.",
    "GET /api/v1/credit-notes/{number}": "Hent en kreditnota med dens linjer.",
    "GET /api/v1/invoices/{number}/documents": "Se dokumenterne til en faktura eller kreditnota.",
    "GET /api/v1/invoices/{number}/documents/{format}": "Hent et dokument; dets ETag er dets kontrolsum (SHA-256).",
    "GET /api/v1/invoices/{number}/delivery": "Se, hvordan en fakturas eller kreditnotas aflevering står og er gået;"
                                              " en prøvekørsel har ingen.",
    "GET /api/v1/reminders/{number}/delivery": "Se, hvordan en rykkers aflevering står og er gået; den, der kun er et"
                                               " brev, har ingen.",
    "GET /api/v1/deliveries": "Se, hvordan hver rigtig faktura, kreditnota og rykker bliver afleveret.",
    "POST /api/v1/deliveries": "Send et dokument igen, samme sted hen eller et andet, som en ny besked i næste omgang.",
    "POST /api/v1/deliveries/by-hand": "Notér, at mennesker har afleveret et dokument uden om tjenesten, så det ikke"
                                       " sendes.",
    "GET /api/v1/deliveries/next-round": "Se, hvad næste omgang ville gøre med hvert dokument, der ikke er sendt: hvad"
                                         " der sendes, til hvem, ad hvilken vej, og hvad der venter på hvad. Intet"
                                         " skrives.",
    "POST /api/v1/deliveries/rounds": "Sæt gang i at aflevere alt, der er valideret og skal sendes, og i at læse"
                                      " kvitteringer; afleveringerne viser, hvad der kom ud af det.",
    "GET /api/v1/forecasts": "Lav prognosen for en fonds år: lavt, ventet og højt, og hvad tallene er lavet af.",
    "GET /api/v1/forecasts/kept": "Hent de prognoser, der er gemt af en fonds år, hver ved siden af det fakturerede.",
    "GET /api/v1/forecasts/parts": "Hent det, som ét tal i en prognose er lavet af; det giver tallet.",
    "GET /api/v1/funding-reports":
        "Lav rapporten for en fonds periode, som tallene er nu, i hele øre, med kontrolsummen af den.",
    "GET /api/v1/funding-reports/remarks":
        "Hent bemærkningerne til en fonds periode, den ældste først, og hvilke af dem der gælder.",
    "POST /api/v1/funding-reports/remarks":
        "Skriv en bemærkning til en rapports konto, eller til helheden, i stedet for den, der stod.",
    "GET /api/v1/journeys": "Hent rejserne i den rækkefølge, de begyndte.",
    "POST /api/v1/journeys": "Begynd en myndigheds rejse til et produkt.",
    "GET /api/v1/journeys/{id_}": "Hent én rejse med opgaver efter trin og tema, prøver, etaper og risici.",
    "POST /api/v1/journeys/{id_}/tasks": "Skriv, hvordan en opgave står.",
    "POST /api/v1/journeys/{id_}/own-tasks": "Tilføj en opgave af rejsens egne under et tema i et trin.",
    "POST /api/v1/journeys/{id_}/trials": "Skriv en prøve, eller med dens nummer dens næste version.",
    "POST /api/v1/journeys/{id_}/plan": "Vælg, om produktet indføres på én gang eller i etaper.",
    "POST /api/v1/journeys/{id_}/stages": "Skriv en etape, eller med dens nummer dens næste version.",
    "POST /api/v1/journeys/{id_}/risks": "Skriv en risiko, eller med dens nummer dens næste version.",
    "POST /api/v1/journeys/{id_}/judgements":
        "Skriv, hvornår en rejse ventes i mål, hvor sandsynligt det er, og hvorfor; det tæller i prognosen.",
    "POST /api/v1/journeys/{id_}/end": "Afslut en rejse: tilsluttet, eller opgivet med en grund.",
    "GET /api/v1/questions": "Hent spørgsmålene i den rækkefølge, de blev stillet.",
    "POST /api/v1/questions": "Stil et spørgsmål, og giv sekretariatet besked.",
    "GET /api/v1/questions/{id_}": "Hent ét spørgsmål med alt, der er skrevet; noter er for dem, der svarer.",
    "POST /api/v1/questions/{id_}/further": "Spørg videre.",
    "POST /api/v1/questions/{id_}/answers": "Svar, og giv den, der spurgte, besked.",
    "POST /api/v1/questions/{id_}/notes": "Skriv en note til dem, der svarer.",
    "POST /api/v1/questions/{id_}/assignments": "Skriv, hvem der svarer, og hvornår det skal være sket.",
    "GET /api/v1/pipeline": "Hent dem, der er på vej: rejser, og sager skrevet i hånden om dem, der ingen rejse har.",
    "GET /api/v1/pipeline/chances": "Hent, hvor sandsynligt hvert trin er, og om det er lært eller sat.",
    "POST /api/v1/pipeline": "Skriv i hånden, hvem der er på vej, eller se sagen på ny; en rejse tæller i stedet.",
    "POST /api/v1/pipeline/chances": "Sæt, hvor sandsynligt et trin er, indtil det læres af afsluttede rejser.",
    "GET /api/v1/letters": "Hent brevene, det ældste først.",
    "GET /api/v1/bank-statements": "Hent de kontoudtog, der er læst ind.",
    "GET /api/v1/bank-transactions": "Hent transaktionerne på kontoudtogene.",
    "GET /api/v1/bank-transactions/{id_}": "Hent én transaktion med bankens tekst.",
    "POST /api/v1/bank-statements/imports": "Læs en bankfil ind, hele filen eller intet: camt.053, eller CSV med dens"
                                            " beskrivelse. Det, der er kendt, ændrer intet.",
    "GET /api/v1/reminders": "Hent de udstedte rykkere.",
    "POST /api/v1/reminders": "Udsted det, en anden har godkendt; det, der siden er betalt, bestridt eller ændret,"
                              " udelades og nævnes.",
    "GET /api/v1/reminders/{number}": "Hent én rykker.",
    "GET /api/v1/reminders/{number}/documents/{format}": "Hent et dokument; dets ETag er dets kontrolsum (SHA-256).",
    "GET /api/v1/reminder-plan": "Se, hvem der ville blive rykket i dag, for hvad og hvorfor, og hvad der er i vejen.",
    "POST /api/v1/reminder-plan/proposals": "Overdrag dagens plan til en andens godkendelse, med dens kontrolsum.",
    "GET /api/v1/invoices/{number}/holds": "Hent en fakturas indsigelser og løfter, det nyeste først.",
    "POST /api/v1/invoices/{number}/holds": "Skriv en indsigelse ind, eller et løfte med den dag, det gælder til"
                                            " (`until`); imens rykkes der ikke for fakturaen.",
    "POST /api/v1/invoices/{number}/holds/{id_}/end": "Afslut en indsigelse eller et løfte med en grund; det bliver"
                                                      " stående med, hvordan det endte.",
    "GET /api/v1/reminder-terms": "Hent de rykkervilkår, der gælder.",
    "POST /api/v1/reminder-terms/proposals": "Foreslå rykkervilkår; en anden sætter dem i kraft i browseren.",
    "GET /api/v1/interest-rates": "Hent de referencesatser, der er indtastet, efter halvårenes første dag.",
    "POST /api/v1/interest-rates/proposals": "Foreslå referencesatser med deres kilder; en anden indtaster dem i"
                                             " browseren.",
    "GET /api/v1/withdrawals": "Hent de medlemmer, der skylder kontingent, selv om fristen på en rykker er ude, med det"
                               " forslag, der venter.",
    "POST /api/v1/withdrawals/proposals": "Foreslå, at et medlem i restance udmeldes; en anden afgør det i browseren.",
    "GET /api/v1/published-reports": "Hent alle versioner af de offentliggjorte rapporter, den ældste først.",
    "GET /api/v1/published-reports/{id_}": "Hent en rapport med alle dens tal i hele øre.",
    "GET /api/v1/published-reports/{id_}/report.{form}": "Hent en rapport som fil, byte for byte som den blev"
    " offentliggjort; sproget er tokenets ejers.",
    "GET /api/v1/published-reports/{id_}/comments": "Hent spørgsmål med svar, og beslutninger.",
    "POST /api/v1/published-reports/{id_}/questions": "Stil et spørgsmål om en rapport; sekretariatet svarer.",
    "GET /api/v1/accounts": "Hent de lukkede perioder og de kvartaler, der er åbne, det nyeste først.",
    "GET /api/v1/accounts/totals": "Se, hvad hver konto blev til i en periode; tilsammen giver de nul.",
    "GET /api/v1/accounts/postings": "Hent en periodes posteringer som CSV (semikolon, decimalkomma) eller XLSX;"
                                     " dens ETag er filens kontrolsum (SHA-256).",
    "POST /api/v1/accounts/closings": "Foreslå at lukke en periode for altid; en anden godkender det i browseren.",
    "GET /api/v1/accounts/mapping": "Hent oversættelsen af foreningens konti til standardkontoplanen, konto for konto"
                                    " og som tekst.",
    "POST /api/v1/accounts/mapping/proposals": "Foreslå en oversættelse; en anden vedtager den i browseren.",
    "GET /api/v1/costs": "Hent omkostningerne, i den rækkefølge de blev indtastet.",
    "GET /api/v1/costs/{id_}": "Hent én omkostning, som den står.",
    "POST /api/v1/costs": "Indtast en omkostning; en anden godkender den i browseren, og så bogføres den.",
    "POST /api/v1/costs/imports": "Læs omkostninger ind fra CSV, dem alle eller ingen; en anden godkender dem. Den"
                                  " samme fil igen ændrer intet.",
    "POST /api/v1/costs/{id_}/reversals": "Foreslå at føre en bogført omkostning tilbage; en anden godkender det i"
                                          " browseren.",
    "POST /api/v1/costs/{id_}/voucher": "Giv en omkostning, der kom uden sit bilag, leverandørens fil, én gang.",
    "GET /api/v1/budgets": "Hent budgetternes versioner, i den rækkefølge de blev skrevet.",
    "GET /api/v1/budgets/{id_}": "Hent en version med det, hver konto får, måned for måned.",
    "POST /api/v1/budgets": "Gem et udkast som den næste version af fondens år.",
    "POST /api/v1/budgets/{id_}/proposals": "Foreslå en version; en anden vedtager den i browseren.",
    "POST /api/v1/budgets/imports": "Læs budgetter ind fra CSV, og foreslå dem, alle eller ingen. Den samme fil igen"
                                    " ændrer intet.",
    "GET /api/v1/hour-rates": "Hent timesatserne, den nyeste først.",
    "POST /api/v1/hour-rates": "Foreslå, hvad en time koster fra en dag; en anden godkender det i browseren.",
    "POST /api/v1/hours": "Indtast en dags timer til dagens sats; en anden godkender dem i browseren. De læses som"
                          " omkostninger.",
    "GET /api/v1/recurring-costs": "Hent de faste omkostninger, der er godkendt, den ældste først.",
    "POST /api/v1/recurring-costs": "Foreslå en omkostning, der kommer hver måned eller hvert kvartal; en anden"
                                    " godkender den i browseren.",
    "GET /api/v1/transfers": "Hent fondenes åbningssaldi og overførslerne imellem dem, den ældste først.",
    "POST /api/v1/transfers": "Foreslå en åbningssaldo eller en overførsel fra en fond til en anden; en anden godkender"
                              " det i browseren.",
    "GET /api/v1/audit-entries": "Hent, hvad der er gjort, det ældste først.",
    "GET /api/v1/me": "Se, hvis nøgle det er, og hvad den må i dag.",
    "GET /api/v1/me/tokens": "Hent ens egne nøgler; de laves på en side, af en selv.",
    "POST /api/v1/me/tokens/{id_}/end": "Luk en af ens egne nøgler straks, også den, der spørger.",
    "GET /api/v1/": "Se ressourcerne.",
    "GET /api/v1/openapi.json": "Hent dette dokument.",
    "GET /api/v1/payments": "Hent de betalinger, der ikke har fundet deres plads, med hvad de kan være for.",
    "GET /api/v1/payments/{id_}/matches": "Se, hvor en betaling blev placeret, og hvad der er ophævet.",
    "POST /api/v1/payments/placements": "Placér noget af en betaling med håndkraft, ét sted.",
    "POST /api/v1/payments/undoings": "Ophæv en placering med en grund; den bliver stående, og en ny ophæver den.",
    "POST /api/v1/payments/refunds": "Foreslå en tilbagebetaling; en anden person godkender den i browseren.",
    "POST /api/v1/payments/write-offs": "Foreslå en afskrivning; en anden person godkender den i browseren.",
    "POST /api/v1/payments/waivers": "Foreslå, at en fakturas rykkergebyr og rente eftergives; en anden person"
                                     " godkender det i browseren.",
    "POST /api/v1/payments/matches": "Placér alle betalinger, der er sikre; resten venter.",
    "GET /api/v1/authorities/{cvr}/account": "Hent en myndigheds konto på en dag; i dag, hvis ingen er givet.",
}  # fmt: skip

#: Where a parameter or a member stands.
PLACES: Mapping[str, Text] = {
    "path": Text("adressen", "path"),
    "query": Text("forespørgslen", "query"),
    "header": Text("headeren", "header"),
    "body": Text("indholdet", "body"),
    "rows": Text("rækkerne", "rows"),
}

#: What a parameter or a member of a body means, by the words of the document.
MEMBERS: Mapping[str, str] = {
    "a product": "et produkt",
    "PDF, PNG or JPEG in base64": "PDF, PNG eller JPEG i base64",
    "as a single contribution to this product's fund": "som enkeltstående bidrag til dette produkts fond",
    "the authority that gave a contribution, where one did": "myndigheden, der gav et bidrag, når det var en",
    "a product in the scope": "et produkt, man må se",
    "`part` of a term or a change; before, certain, invoiced, ended or standing":
        "`part` af et led eller en ændring; before, certain, invoiced, ended eller standing",
    "the id of a kept forecast; without it today's": "nummeret på en gemt prognose; uden det dagens",
    "a product, or OS2 for the association's own": "et produkt, eller OS2 for foreningens egen",
    "below zero where money went out": "under nul, hvor penge gik ud",
    "its `id` in the payment's matches": "dens `id` blandt betalingens placeringer",
    "its number, or its last five digits; the whole without it":
        "dens nummer eller de sidste fem cifre; udelades den, er det helheden",
    "empty takes back what stood": "tom fjerner den, der stod",
    "its last five digits, or the whole number": "de sidste fem cifre, eller hele nummeret",
    "of the invoice, credit note or reminder": "på fakturaen, kreditnotaen eller rykkeren",
    "or `OS2` for the association": "eller `OS2` for foreningen",
    "of a cost that is spread over months; with `to`": "for en omkostning, der periodiseres over måneder; sammen med"
                                                       " `to`",
    "the file as the command line takes it": "filen, som kommandolinjen tager den",
    "the last day of those months": "den sidste dag i de måneder",
    "each an `account` with the year's `amount_ore` or twelve `months_ore`":
        "hver en `account` med årets `amount_ore` eller tolv `months_ore`",
    "what it rests on": "det, budgettet bygger på",
    "of a transfer: whose fund": "for en overførsel: hvis fond",
    "only an opening is below zero": "kun en åbningssaldo kan være under nul",
    "what was decided, and by whom": "hvad der er besluttet, og af hvem",
    "the loss is certain, so that VAT is regained": "tabet er konstateret, så momsen kommer igen",
    "the payment's `id`": "betalingens `id`",
    "the supplier's number of it, once": "leverandørens nummer på den, én gang",
    "to this authority's credit": "til denne myndigheds tilgodehavende",
    "what the invoice's reminders charge, not itself": "det, fakturaens rykkere opkræver, ikke den selv",
    "whose fund; `OS2` is the association's": "hvis fond; `OS2` er foreningens",
    "2027, 2027-H1, 2027-Q1, 2027-03 or 2027-01-15..2027-03-31":
        "2027, 2027-H1, 2027-Q1, 2027-03 eller 2027-01-15..2027-03-31",
    "An ETag from before; 304 without a body where nothing changed":
        "En ETag fra sidst; 304 uden indhold, hvis intet er ændret",
    "Chosen by you, new for every act; the same request with the same key is done once and answered alike for 30 days":
        "Vælges af programmet, ny for hver handling; den samme anmodning med den samme nøgle udføres én gang og"
        " besvares ens i 30 dage",
    "TOML": "TOML",
    "The ETag of the plan that was read; 412 where it was of another digest":
        "ETag for den plan, der er læst; 412, hvis den havde en anden kontrolsum",
    "`next` of the page before, with the same parameters": "`next` fra siden før, med de samme parametre",
    "`real`, or `rehearsal`, which binds nobody": "`real` (rigtig) eller `rehearsal` (prøvekørsel), som ikke forpligter"
                                                  " nogen",
    "a GLN or a CVR number; the same as before without it": "et GLN eller et CVR-nummer; udelades det, bruges det samme"
                                                            " som før",
    "kommune, region, stat …": "kommune, region, stat …",
    "how it was handed over, and why": "hvordan det er afleveret, og hvorfor",
    "only what is of that year": "kun det, der er af det år",
    "each `valid_from` (1 January or 1 July), `percent` such as 1.60, `source`":
        "hver `valid_from` (1. januar eller 1. juli), `percent` som 1,60, `source`",
    "of the invoice": "fakturaens",
    "of the plan that was read": "for den plan, der er læst",
    "positions; all that is left without them": "linjenumre; udelades de, er det alle de linjer, der er tilbage",
    "stands on the credit note": "står på kreditnotaen",
    "the id of a statement": "et kontoudtogs id",
    "the same as before without it": "udelades det, bruges det samme som før",
    "today without it": "udelades den, er det i dag",
    "whether the next plan proposes the lines again": "om den næste plan skal foreslå linjerne igen",
    "words of the name": "ord i navnet",
}  # fmt: skip

#: What an answer means, by the words of the document.
ANSWERS: Mapping[str, str] = {
    "A parameter that is not as documented": "En parameter er ikke, som der står her",
    "Accepted": "Modtaget; arbejdet går i gang",
    "Created": "Oprettet",
    "If-Match does not fit what stands": "If-Match passer ikke til det, der står nu",
    "Nobody stands behind the token": "Ingen står bag nøglen",
    "Not now": "Ikke nu",
    "Nothing changed": "Intet er ændret",
    "Nothing there for you": "Her er intet, nøglen må se",
    "OK": "I orden",
    "Refused; nothing was stored": "Afvist; intet er gemt",
    "The body is of another kind": "Indholdet er af en anden slags",
    "The body is too large": "Indholdet er for stort",
    "The token or its owner may not": "Nøglen eller dens ejer må ikke",
    "Too many wrong tokens": "For mange forkerte nøgler",
    "What was asked no longer fits what stands": "Det, der bliver bedt om, passer ikke længere til det, der står",
}

_WITH_COMMAS = "with commas between, of "


def member(words: str) -> Text:
    """Give what a parameter or a member means, in both languages. Raises KeyError where the Danish is missing."""
    if words.startswith(_WITH_COMMAS):
        names = words.removeprefix(_WITH_COMMAS)
        return Text(f"med komma imellem, blandt {names}", words)
    return Text(MEMBERS[words], words) if words else same("")


def answer(words: str) -> Text:
    """Give what an answer means, in both languages. Raises KeyError where the Danish is missing."""
    return Text(ANSWERS[words], words)
