"""The ground floor: money, periods, languages, errors, the audit chain. Knows no other room."""
