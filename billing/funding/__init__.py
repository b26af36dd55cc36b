"""What each coordination group has: funds, costs, budgets, reports and forecasts, all read from the one ledger."""
