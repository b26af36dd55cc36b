"""Who uses the service: people, their roles and seats, how they sign in, and how a browser is known again."""
