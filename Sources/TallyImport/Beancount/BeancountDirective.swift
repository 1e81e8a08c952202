// SPDX-License-Identifier: Apache-2.0
//
// The closed lists of Beancount's directives, options and plugins with their treatment. Standard
// library only; BeancountParser looks every word up here, and a word that is missing is an error.

/// Every directive of Beancount but transactions.
enum BeancountDirective: String, CaseIterable, Sendable {
    case open, close, pad, balance
    case commodity, event, note, document, query, custom, price
    case option, plugin, include, pushtag, poptag, pushmeta, popmeta

    /// What the importer does with it.
    var treatment: DirectiveTreatment {
        switch self {
        case .open, .close, .pad, .balance, .option, .plugin, .include, .pushtag, .poptag,
            .pushmeta, .popmeta:
            .handled
        case .commodity: .harmless("describes a commodity")
        case .event: .harmless("records the value of a variable over time")
        case .note: .harmless("attaches a text to an account")
        case .document: .harmless("attaches a file to an account")
        case .query: .harmless("stores a query")
        case .custom: .harmless("belongs to other programs")
        case .price: .harmless("a market price changes no balance")
        }
    }
}

/// Every option of Beancount that the importer has an opinion about.
enum BeancountOption: String, CaseIterable, Sendable {
    case title
    case operatingCurrency = "operating_currency"
    case documents
    case renderCommas = "render_commas"
    case pluginProcessingMode = "plugin_processing_mode"
    case longStringMaxlines = "long_string_maxlines"
    case conversionCurrency = "conversion_currency"
    case nameAssets = "name_assets"
    case nameLiabilities = "name_liabilities"
    case nameEquity = "name_equity"
    case nameIncome = "name_income"
    case nameExpenses = "name_expenses"
    case accountPreviousBalances = "account_previous_balances"
    case accountPreviousEarnings = "account_previous_earnings"
    case accountPreviousConversions = "account_previous_conversions"
    case accountCurrentEarnings = "account_current_earnings"
    case accountCurrentConversions = "account_current_conversions"
    case accountUnrealizedGains = "account_unrealized_gains"
    case accountRounding = "account_rounding"
    case bookingMethod = "booking_method"
    case toleranceMultiplier = "tolerance_multiplier"
    case inferredToleranceMultiplier = "inferred_tolerance_multiplier"
    case inferredToleranceDefault = "inferred_tolerance_default"
    case inferToleranceFromCost = "infer_tolerance_from_cost"
    case usePreciseInterpolation = "use_precise_interpolation"

    /// What the importer does with it.
    var treatment: DirectiveTreatment {
        switch self {
        case .bookingMethod, .toleranceMultiplier, .inferredToleranceMultiplier,
            .inferredToleranceDefault, .inferToleranceFromCost, .usePreciseInterpolation:
            .handled
        case .title, .operatingCurrency, .documents, .renderCommas, .longStringMaxlines:
            .harmless("concerns display only")
        case .nameAssets, .nameLiabilities, .nameEquity, .nameIncome, .nameExpenses:
            .harmless("accounts are taken as they are written")
        case .conversionCurrency, .accountPreviousBalances, .accountPreviousEarnings,
            .accountPreviousConversions, .accountCurrentEarnings, .accountCurrentConversions,
            .accountUnrealizedGains:
            .harmless("names accounts of reports")
        case .accountRounding: .refused("it adds postings to transactions")
        case .pluginProcessingMode: .refused("it turns the tool's own checks off")
        }
    }
}

/// Plugins that check a book and never change it, and the one that opens accounts.
enum BeancountPlugin {
    /// Returns the treatment of a plugin by its module's name.
    static func treatment(of module: String) -> DirectiveTreatment {
        switch module {
        case "beancount.plugins.auto_accounts", "beancount.plugins.auto": .handled
        case "beancount.plugins.check_closing", "beancount.plugins.check_commodity",
            "beancount.plugins.check_average_cost", "beancount.plugins.coherent_cost",
            "beancount.plugins.commodity_attr", "beancount.plugins.leafonly",
            "beancount.plugins.noduplicates", "beancount.plugins.nounused",
            "beancount.plugins.onecommodity", "beancount.plugins.pedantic",
            "beancount.plugins.sellgains", "beancount.plugins.unique_prices":
            .harmless("checks the book and changes nothing")
        case "beancount.plugins.implicit_prices": .harmless("adds prices, which change no balance")
        default: .refused("it is not known to leave postings alone")
        }
    }
}
