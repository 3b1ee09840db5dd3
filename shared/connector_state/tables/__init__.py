"""The connector state in Azure Table Storage."""
