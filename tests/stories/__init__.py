"""One story for each place whose practice the product follows, through the pages of village, township and county."""
