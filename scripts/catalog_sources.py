"""Who published the figures of the catalog, and under which license."""

# mark: where, license. "None named" is a collection of Microsoft's public prices without a license file of its own.
PUBLISHED = {
    "S1": ("Resource SKUs API as normalised by DarrenJohns/djtools-azure-vm-sku-locator", "MIT"),
    "S2": ("Resource SKUs API as kept by vantage-sh/ec2instances.info", "MIT"),
    "S3": ("Resource SKUs API as kept by Azure/karpenter-provider-azure", "Apache-2.0"),
    "S4": ("MicrosoftDocs/azure-compute-docs", "CC BY 4.0"),
    "S5": ("Azure pricing calculator as kept by sstybel/azure-vm-price-importer", "Apache-2.0"),
    "S6": ("microsoft/finops-toolkit, open data", "MIT"),
    "P1": ("Retail Prices API as kept by andy-diericks/azure-pricing-radar", "MIT"),
    "P2": ("Retail Prices API as kept by DarrenJohns/djtools-azure-vm-sku-locator", "MIT"),
    "P3": ("Retail Prices API as kept by Azure/karpenter-provider-azure", "Apache-2.0"),
    "P4": ("Azure pricing calculator as kept by sstybel/azure-vm-price-importer", "Apache-2.0"),
    "R1": ("KimTholstorf/azure-rvtools-cost-estimator", "MIT"),
    "R2": ("krishna-sunkavalli/sql-estate-analyzer", "none named; prices are Microsoft's"),
    "R3": ("jagadishmazure-jpg/Jagadish-azure-finops", "none named; prices are Microsoft's"),
    "R4": ("Retail Prices API as kept by babajideoyelayo-carbonandfinch/azure-prices", "MIT"),
    "R5": ("Retail Prices API as kept by DanielHabenicht/cloud-prices", "none named; prices are Microsoft's"),
    "R6": ("Retail Prices API as kept by dohughes-msft/sap", "none named; prices are Microsoft's"),
    "C": ("published price points, collected by hand", "facts"),
    "D1": ("krishna-sunkavalli/sql-estate-analyzer", "none named; prices are Microsoft's"),
    "D2": ("DataBiosphere/terra-ui", "BSD-3-Clause"),
}
