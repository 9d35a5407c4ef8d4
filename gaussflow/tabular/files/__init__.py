"""CSV and Parquet files to tables and back."""
